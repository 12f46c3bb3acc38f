#pragma once

#include "sigtape/framework/cuda/launch.h"

/// Values of the threads of a warp or block combined in a fixed tree, so that
/// the result has the same bits on every run.
namespace sigtape::cuda {

constexpr unsigned all_lanes = 0xffffffffu;

struct Plus {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};

/// The larger one; NaN if one is NaN.
struct Larger {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return b > a || b != b ? b : a;
  }
};

/// Every lane gets the values of all 32 lanes combined.
template <class T, class Combine>
__device__ inline T collect_warp(T value, Combine combine) {
  for (int distance = 1; distance < 32; distance *= 2) {
    value = combine(value, __shfl_xor_sync(all_lanes, value, distance));
  }
  return value;
}

/// Every thread gets the values of the block's Threads threads combined.
template <int Threads, class T, class Combine>
__device__ inline T collect_block(T value, Combine combine) {
  static_assert(Threads % 32 == 0 && Threads <= 1024);
  struct CollectBlock;
  T(&parts)[Threads / 32] = static_shared<CollectBlock, T[Threads / 32]>();
  value = collect_warp(value, combine);
  __syncthreads();  // the parts of a call before this one have been read
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
  __syncthreads();
  value = parts[0];
  for (int w = 1; w < Threads / 32; ++w) value = combine(value, parts[w]);
  return value;
}

}  // namespace sigtape::cuda
