#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/ops/reduce_kernels.h"
#include "sigtape/training/optim/optimizer_cuda.h"

namespace sigtape {

template <class T>
void sgd_update(Cuda device, const SgdStep<T>& step, std::int64_t count,
                T* weight, const T* gradient, T* velocity) {
  cuda::for_each(device, count, Sgd<T>{step, weight, gradient, velocity});
}

template <class T>
void adam_update(Cuda device, const AdamStep<T>& step, std::int64_t count,
                 T* weight, const T* gradient, T* m, T* v) {
  cuda::for_each(device, count, Adam<T>{step, weight, gradient, m, v});
}

template <class T>
void sum_of_squares(Cuda device, std::int64_t count, const T* values,
                    double* sum) {
  reduce(device, {Reduce::power, 2}, {1, count, 1}, sum, values);
}

#define INSTANTIATE(T)                                                  \
  template void sgd_update(Cuda, const SgdStep<T>&, std::int64_t, T*,   \
                           const T*, T*);                               \
  template void adam_update(Cuda, const AdamStep<T>&, std::int64_t, T*, \
                            const T*, T*, T*);                          \
  template void sum_of_squares(Cuda, std::int64_t, const T*, double*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
