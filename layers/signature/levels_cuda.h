#pragma once

#include "sigtape/framework/cuda/launch.h"

/// Loops over the levels of words. Where the bounds are constants they are
/// unrolled by templates: a loop whose bounds depend on an outer loop's
/// variable is not unrolled by nvcc, which then keeps the arrays indexed by it
/// in local memory.
namespace sigtape::cuda {

/// A number known at compile time; converts to int.
template <int I>
struct Constant {
  __host__ __device__ constexpr operator int() const { return I; }
};

template <int I>
__device__ __forceinline__ constexpr Constant<I + 1> next(Constant<I>) {
  return {};
}
__device__ __forceinline__ constexpr int next(int i) { return i + 1; }
template <int I>
__device__ __forceinline__ constexpr Constant<I - 1> previous(Constant<I>) {
  return {};
}
__device__ __forceinline__ constexpr int previous(int i) { return i - 1; }

/// f(begin), ..., f(end), upwards.
template <int Begin, int End, class F>
__device__ __forceinline__ void each(Constant<Begin>, Constant<End>, F f) {
  if constexpr (Begin <= End) {
    f(Constant<Begin>());
    each(Constant<Begin + 1>(), Constant<End>(), f);
  }
}
template <class Begin, class F>
__device__ __forceinline__ void each(Begin begin, int end, F f) {
  for (int i = begin; i <= end; ++i) f(i);
}

/// The same from `end` down to `begin`.
template <int Begin, int End, class F>
__device__ __forceinline__ void each_down(Constant<Begin>, Constant<End>, F f) {
  if constexpr (Begin <= End) {
    f(Constant<End>());
    each_down(Constant<Begin>(), Constant<End - 1>(), f);
  }
}
template <class Begin, class F>
__device__ __forceinline__ void each_down(Begin begin, int end, F f) {
  for (int i = end; i >= begin; --i) f(i);
}

/// each<1, 3>(f) is f(1), f(2), f(3) with constants.
template <int Begin, int End, class F>
__device__ __forceinline__ void each(F f) {
  each(Constant<Begin>(), Constant<End>(), f);
}
template <int Begin, int End, class F>
__device__ __forceinline__ void each_down(F f) {
  each_down(Constant<Begin>(), Constant<End>(), f);
}

/// A depth that is a constant, or one for run time where N is 0.
template <int N>
struct Depth {
  static constexpr int most = N;
  using Type = Constant<N>;
  __device__ static constexpr Type of(int) { return {}; }
};
template <>
struct Depth<0> {
  static constexpr int most = 32;
  using Type = int;
  __device__ static constexpr int of(int depth) { return depth; }
};

}  // namespace sigtape::cuda
