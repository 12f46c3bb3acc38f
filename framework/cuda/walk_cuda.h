#pragma once

#include "sigtape/framework/cuda/launch.h"
#include "sigtape/framework/cuda/runtime.h"
#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/ops/strided.h"

/// Elementwise kernels: one thread for each position of a Strided walk.
namespace sigtape::cuda {

constexpr int block_threads = 256;

/// Blocks of `threads` for `count` items of a loop over the whole grid.
inline unsigned blocks_for(std::int64_t count, int threads = block_threads) {
  constexpr std::int64_t most = 132 * 32;
  const std::int64_t blocks = divide_up(count, threads);
  return static_cast<unsigned>(blocks < most ? blocks : most);
}

inline CUstream_st* stream(Cuda device) { return stream(device.device); }

/// The first item of this thread, and the distance to its next one.
__device__ inline std::int64_t first_item() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline std::int64_t item_step() {
  return static_cast<std::int64_t>(gridDim.x) * blockDim.x;
}

/// A Strided walk in plain arrays.
template <int N>
struct Walk {
  int rank = 0;
  std::int64_t count = 1;
  std::int64_t sizes[Shape::max_rank] = {};
  std::int64_t strides[N][Shape::max_rank] = {};

  explicit Walk(const Strided<N>& walk) : rank(walk.rank) {
    for (int d = 0; d < rank; ++d) {
      count *= sizes[d] = walk.sizes[d];
      for (int n = 0; n < N; ++n) strides[n][d] = walk.strides[n][d];
    }
  }
};

/// Element offsets of the N operands at one position.
template <int N>
struct Offsets {
  std::int64_t at[N];
};

template <int N>
__device__ inline Offsets<N> offsets(const Walk<N>& walk, std::int64_t item) {
  Offsets<N> o = {};
  for (int d = walk.rank - 1; d > 0; --d) {
    const std::int64_t i = item % walk.sizes[d];
    item /= walk.sizes[d];
    for (int n = 0; n < N; ++n) o.at[n] += i * walk.strides[n][d];
  }
  for (int n = 0; n < N; ++n) o.at[n] += item * walk.strides[n][0];
  return o;
}

template <int N, class F>
__global__ void walk_kernel(const Walk<N> walk, const F f) {
  for (std::int64_t i = first_item(); i < walk.count; i += item_step()) {
    f(offsets(walk, i).at);
  }
}

/// Calls f(offsets of the operands) at every position of the walk.
template <int N, class F>
void for_each(Cuda device, const Strided<N>& strided, const F& f) {
  const Walk<N> walk(strided);
  if (walk.count == 0) return;
  launch(walk_kernel<N, F>, blocks_for(walk.count), block_threads, 0,
         stream(device), walk, f);
}

template <class F>
__global__ void count_kernel(const std::int64_t count, const F f) {
  for (std::int64_t i = first_item(); i < count; i += item_step()) f(i);
}

/// Calls f(i) for i < count.
template <class F>
void for_each(Cuda device, std::int64_t count, const F& f) {
  if (count == 0) return;
  launch(count_kernel<F>, blocks_for(count), block_threads, 0, stream(device),
         count, f);
}

}  // namespace sigtape::cuda
