#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/ops/dropout_kernels.h"
#include "sigtape/framework/philox.h"

namespace sigtape {

namespace {

template <class T>
struct Apply {
  std::uint64_t seed, first;
  const std::uint64_t* shift;
  double p;
  T scale;
  const T* a;
  T* out;
  __device__ void operator()(std::int64_t i) const {
    const double u = philox_uniform_at(seed, first + *shift + i, 0);
    out[i] = u < p ? T{0} : scale * a[i];
  }
};

}  // namespace

template <class T>
void dropout_apply(Cuda device, std::int64_t count, std::uint64_t seed,
                   std::uint64_t first, double p, T scale, const T* a, T* out) {
  const std::uint64_t* shift = cuda::random_shift(device.device);
  cuda::for_each(device, count, Apply<T>{seed, first, shift, p, scale, a, out});
}

template void dropout_apply(Cuda, std::int64_t, std::uint64_t, std::uint64_t,
                            double, float, const float*, float*);
template void dropout_apply(Cuda, std::int64_t, std::uint64_t, std::uint64_t,
                            double, double, const double*, double*);

}  // namespace sigtape
