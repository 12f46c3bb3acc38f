#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/ops/masks_kernels.h"

namespace sigtape {

namespace {

template <class T>
struct Sign {
  T* out;
  const T* a;
  __device__ void operator()(const std::int64_t* at) const {
    const T x = a[at[1]];
    out[at[0]] = x > 0 ? T{1} : x < 0 ? T{-1} : x * 0;
  }
};

template <class T>
struct Nonzero {
  std::int64_t* out;
  const T* a;
  __device__ void operator()(const std::int64_t* at) const {
    out[at[0]] = a[at[1]] != 0;
  }
};

template <class T>
struct Equal {
  T* out;
  const T *a, *b;
  __device__ void operator()(const std::int64_t* at) const {
    out[at[0]] = a[at[1]] == b[at[2]];
  }
};

}  // namespace

template <class T>
void sign(Cuda device, const Strided<2>& walk, T* out, const T* a) {
  cuda::for_each(device, walk, Sign<T>{out, a});
}

template <class T>
void nonzero(Cuda device, const Strided<2>& walk, std::int64_t* out,
             const T* a) {
  cuda::for_each(device, walk, Nonzero<T>{out, a});
}

template <class T>
void equal(Cuda device, const Strided<3>& walk, T* out, const T* a,
           const T* b) {
  cuda::for_each(device, walk, Equal<T>{out, a, b});
}

#define INSTANTIATE(T)                                                     \
  template void sign(Cuda, const Strided<2>&, T*, const T*);               \
  template void nonzero(Cuda, const Strided<2>&, std::int64_t*, const T*); \
  template void equal(Cuda, const Strided<3>&, T*, const T*, const T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
