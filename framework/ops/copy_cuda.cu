#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/ops/copy_kernels.h"

namespace sigtape {

namespace {

template <class To, class From>
struct Convert {
  To* out;
  const From* a;
  __device__ void operator()(const std::int64_t* at) const {
    out[at[0]] = static_cast<To>(a[at[1]]);
  }
};

template <class T>
struct Fill {
  T* out;
  T value;
  __device__ void operator()(const std::int64_t* at) const {
    out[at[0]] = value;
  }
};

template <class T>
struct Accumulate {
  T* out;
  const T* a;
  T keep, scale;
  __device__ void operator()(const std::int64_t* at) const {
    out[at[0]] = keep * out[at[0]] + scale * a[at[1]];
  }
};

}  // namespace

template <class To, class From>
void convert(Cuda device, const Strided<2>& walk, To* out, const From* a) {
  cuda::for_each(device, walk, Convert<To, From>{out, a});
}

template <class T>
void fill(Cuda device, const Strided<1>& walk, T* out, T value) {
  cuda::for_each(device, walk, Fill<T>{out, value});
}

template <class T>
void accumulate(Cuda device, const Strided<2>& walk, T* out, const T* a, T keep,
                T scale) {
  cuda::for_each(device, walk, Accumulate<T>{out, a, keep, scale});
}

#define INSTANTIATE(T)                                                     \
  template void convert(Cuda, const Strided<2>&, T*, const float*);        \
  template void convert(Cuda, const Strided<2>&, T*, const double*);       \
  template void convert(Cuda, const Strided<2>&, T*, const std::int64_t*); \
  template void fill(Cuda, const Strided<1>&, T*, T);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(std::int64_t)
#undef INSTANTIATE
template void accumulate(Cuda, const Strided<2>&, float*, const float*, float,
                         float);
template void accumulate(Cuda, const Strided<2>&, double*, const double*,
                         double, double);

}  // namespace sigtape
