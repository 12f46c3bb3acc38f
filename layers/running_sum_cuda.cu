#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/layers/running_sum_kernels.h"

namespace sigtape {

namespace {

// A channel of a stream for each thread.
template <class T>
struct RunningSum {
  std::int64_t length, channels;
  bool reverse;
  const T* x;
  T* out;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t b = item / channels, c = item % channels;
    const std::int64_t first = b * length * channels + c;
    T sum = 0;
    for (std::int64_t t = 0; t < length; ++t) {
      const std::int64_t at = first + (reverse ? length - 1 - t : t) * channels;
      sum += x[at];
      out[at] = sum;
    }
  }
};

}  // namespace

template <class T>
void running_sum(Cuda device, std::int64_t batch, std::int64_t length,
                 std::int64_t channels, bool reverse, const T* x, T* out) {
  cuda::for_each(device, batch * channels,
                 RunningSum<T>{length, channels, reverse, x, out});
}

template void running_sum(Cuda, std::int64_t, std::int64_t, std::int64_t, bool,
                          const float*, float*);
template void running_sum(Cuda, std::int64_t, std::int64_t, std::int64_t, bool,
                          const double*, double*);

}  // namespace sigtape
