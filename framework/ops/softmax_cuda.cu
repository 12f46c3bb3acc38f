#include <cmath>

#include "sigtape/framework/cuda/collect_cuda.h"
#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/ops/softmax_kernels.h"

namespace sigtape {

namespace {

constexpr int warps = 4;  // of a block; each takes a line at a time

// a, out [outer, size, inner]. The largest is subtracted before exp, so that
// nothing overflows and the sum is at least 1.
template <class T>
__global__ void softmax_kernel(const bool logarithm, const std::int64_t lines,
                               const std::int64_t size,
                               const std::int64_t inner, const T* a, T* out) {
  const int lane = threadIdx.x % 32;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * warps;
  std::int64_t line =
      static_cast<std::int64_t>(blockIdx.x) * warps + threadIdx.x / 32;
  for (; line < lines; line += step) {
    const std::int64_t at = line / inner * size * inner + line % inner;
    T largest = a[at];
    for (std::int64_t i = lane; i < size; i += 32) {
      const T x = a[at + i * inner];
      largest = x > largest ? x : largest;
    }
    largest = cuda::collect_warp(largest, cuda::Larger());
    T sum = 0;
    for (std::int64_t i = lane; i < size; i += 32) {
      sum += std::exp(a[at + i * inner] - largest);
    }
    sum = cuda::collect_warp(sum, cuda::Plus());
    const T log_sum = std::log(sum);
    for (std::int64_t i = lane; i < size; i += 32) {
      const T x = a[at + i * inner] - largest;
      out[at + i * inner] = logarithm ? x - log_sum : std::exp(x) / sum;
    }
  }
}

}  // namespace

template <class T>
void softmax_forward(Cuda device, bool logarithm, std::int64_t outer,
                     std::int64_t size, std::int64_t inner, const T* a,
                     T* out) {
  const std::int64_t lines = outer * inner;
  if (size == 0 || lines == 0) return;
  cuda::launch(softmax_kernel<T>, cuda::blocks_for(lines, warps), warps * 32, 0,
               cuda::stream(device), logarithm, lines, size, inner, a, out);
}

template void softmax_forward(Cuda, bool, std::int64_t, std::int64_t,
                              std::int64_t, const float*, float*);
template void softmax_forward(Cuda, bool, std::int64_t, std::int64_t,
                              std::int64_t, const double*, double*);

}  // namespace sigtape
