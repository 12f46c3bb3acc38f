#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <type_traits>

#include "sigtape/framework/check.h"
#include "sigtape/framework/cuda/host/emulator.h"

// Enough of CUDA's names for a C++ compiler to read a kernel file. Included by
// launch.h of host builds only. `__shared__` is left out on purpose: shared
// memory comes from launch.h.

#define __global__
#define __device__
#define __host__
#define __grid_constant__
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define __forceinline__ inline __attribute__((always_inline))

using dim3 = sigtape::cuda_host::Dim3;
using cudaStream_t = struct CUstream_st*;
inline constexpr int warpSize = 32;

#define threadIdx (::sigtape::cuda_host::thread_index)
#define blockIdx (::sigtape::cuda_host::block_index)
#define blockDim (::sigtape::cuda_host::block_extent)
#define gridDim (::sigtape::cuda_host::grid_extent)

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) double2 {
  double x, y;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) {
  return {x, y, z, w};
}
inline double2 make_double2(double x, double y) { return {x, y}; }

namespace sigtape::cuda_host {

template <class T>
T shuffle(unsigned mask, T value, int lane, Where where) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  warp_barrier(mask, bits, false, where);
  bits = lane_value(lane, where);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace sigtape::cuda_host

inline void __syncthreads(
    sigtape::cuda_host::Where where = sigtape::cuda_host::Where::current()) {
  sigtape::cuda_host::block_barrier(where);
}

inline void __syncwarp(
    unsigned mask = ~0u,
    sigtape::cuda_host::Where where = sigtape::cuda_host::Where::current()) {
  sigtape::cuda_host::warp_barrier(mask, 0, true, where);
}

template <class T>
T __shfl_sync(
    unsigned mask, T value, int source, int width = 32,
    sigtape::cuda_host::Where where = sigtape::cuda_host::Where::current()) {
  const int first = sigtape::cuda_host::current_lane() & ~(width - 1);
  return sigtape::cuda_host::shuffle(mask, value,
                                     first | (source & (width - 1)), where);
}

template <class T>
T __shfl_down_sync(
    unsigned mask, T value, unsigned by, int width = 32,
    sigtape::cuda_host::Where where = sigtape::cuda_host::Where::current()) {
  const int lane = sigtape::cuda_host::current_lane();
  const int source = lane + static_cast<int>(by);
  const bool outside = ((lane ^ source) & ~(width - 1)) != 0;
  return sigtape::cuda_host::shuffle(mask, value, outside ? lane : source,
                                     where);
}

template <class T>
T __shfl_up_sync(
    unsigned mask, T value, unsigned by, int width = 32,
    sigtape::cuda_host::Where where = sigtape::cuda_host::Where::current()) {
  const int lane = sigtape::cuda_host::current_lane();
  const int source = lane - static_cast<int>(by);
  const bool outside = source < (lane & ~(width - 1));
  return sigtape::cuda_host::shuffle(mask, value, outside ? lane : source,
                                     where);
}

template <class T>
T __shfl_xor_sync(
    unsigned mask, T value, int by, int width = 32,
    sigtape::cuda_host::Where where = sigtape::cuda_host::Where::current()) {
  const int lane = sigtape::cuda_host::current_lane(), source = lane ^ by;
  const bool outside = source >= (lane & ~(width - 1)) + width;
  return sigtape::cuda_host::shuffle(mask, value, outside ? lane : source,
                                     where);
}

inline unsigned __ballot_sync(
    unsigned mask, int predicate,
    sigtape::cuda_host::Where where = sigtape::cuda_host::Where::current()) {
  namespace host = sigtape::cuda_host;
  host::warp_barrier(mask, predicate != 0, false, where);
  unsigned votes = 0;
  for (int lane = 0; lane < 32; ++lane) {
    if (host::lanes_met() >> lane & 1)
      votes |= static_cast<unsigned>(host::lane_value(lane, where)) << lane;
  }
  return votes;
}

inline int __any_sync(
    unsigned mask, int predicate,
    sigtape::cuda_host::Where where = sigtape::cuda_host::Where::current()) {
  return __ballot_sync(mask, predicate, where) != 0;
}

inline int __all_sync(
    unsigned mask, int predicate,
    sigtape::cuda_host::Where where = sigtape::cuda_host::Where::current()) {
  return __ballot_sync(mask, !predicate, where) == 0;
}

// Atomics order nothing else, as on a GPU.
template <class T>
T atomicAdd(T* at, std::type_identity_t<T> value) {
  return std::atomic_ref<T>(*at).fetch_add(value, std::memory_order_relaxed);
}

template <class T>
T atomicExch(T* at, std::type_identity_t<T> value) {
  return std::atomic_ref<T>(*at).exchange(value, std::memory_order_relaxed);
}

template <class T>
T atomicCAS(T* at, std::type_identity_t<T> expected,
            std::type_identity_t<T> value) {
  std::atomic_ref<T>(*at).compare_exchange_strong(expected, value,
                                                  std::memory_order_relaxed);
  return expected;
}

template <class T>
T atomicMax(T* at, std::type_identity_t<T> value) {
  std::atomic_ref<T> shared(*at);
  T old = shared.load(std::memory_order_relaxed);
  while (old < value &&
         !shared.compare_exchange_weak(old, value, std::memory_order_relaxed)) {
  }
  return old;
}

template <class T>
T atomicMin(T* at, std::type_identity_t<T> value) {
  std::atomic_ref<T> shared(*at);
  T old = shared.load(std::memory_order_relaxed);
  while (value < old &&
         !shared.compare_exchange_weak(old, value, std::memory_order_relaxed)) {
  }
  return old;
}

inline void __threadfence() {}
inline void __threadfence_block() {}

template <class T>
T __ldg(const T* at) {
  return *at;
}
inline float __fmaf_rn(float a, float b, float c) { return std::fmaf(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline float rsqrtf(float a) { return 1.0f / std::sqrt(a); }
inline double rsqrt(double a) { return 1.0 / std::sqrt(a); }
inline float rsqrt(float a) { return 1.0f / std::sqrt(a); }
inline float __expf(float a) { return std::exp(a); }
inline float __fdividef(float a, float b) { return a / b; }
inline int __popc(unsigned a) { return __builtin_popcount(a); }
inline int __ffs(int a) { return __builtin_ffs(a); }
inline int __clz(int a) {
  return a == 0 ? 32 : __builtin_clz(static_cast<unsigned>(a));
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<std::uint64_t>(a) * b >> 32);
}
inline int __float_as_int(float a) {
  int bits;
  std::memcpy(&bits, &a, sizeof(bits));
  return bits;
}
inline long long __double_as_longlong(double a) {
  long long bits;
  std::memcpy(&bits, &a, sizeof(bits));
  return bits;
}

template <class A, class B>
constexpr std::common_type_t<A, B> min(A a, B b) {
  const std::common_type_t<A, B> x = a, y = b;
  return y < x ? y : x;
}

template <class A, class B>
constexpr std::common_type_t<A, B> max(A a, B b) {
  const std::common_type_t<A, B> x = a, y = b;
  return x < y ? y : x;
}
