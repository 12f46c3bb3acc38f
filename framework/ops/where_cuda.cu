#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/ops/where_kernels.h"

namespace sigtape {

namespace {

template <class T>
struct Select {
  T* out;
  const std::int64_t* condition;
  const T *a, *b;
  __device__ void operator()(const std::int64_t* at) const {
    out[at[0]] = condition[at[1]] ? a[at[2]] : b[at[3]];
  }
};

}  // namespace

template <class T>
void select(Cuda device, const Strided<4>& walk, T* out,
            const std::int64_t* condition, const T* a, const T* b) {
  cuda::for_each(device, walk, Select<T>{out, condition, a, b});
}

#define INSTANTIATE(T)                                                   \
  template void select(Cuda, const Strided<4>&, T*, const std::int64_t*, \
                       const T*, const T*);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(std::int64_t)
#undef INSTANTIATE

}  // namespace sigtape
