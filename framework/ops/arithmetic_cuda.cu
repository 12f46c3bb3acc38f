#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/ops/arithmetic_kernels.h"

namespace sigtape {

namespace {

template <class T, Arithmetic op>
struct Apply {
  T* out;
  const T *a, *b;
  __device__ void operator()(const std::int64_t* at) const {
    const T x = a[at[1]], y = b[at[2]];
    if constexpr (op == Arithmetic::add) out[at[0]] = x + y;
    if constexpr (op == Arithmetic::sub) out[at[0]] = x - y;
    if constexpr (op == Arithmetic::mul) out[at[0]] = x * y;
    if constexpr (op == Arithmetic::div) out[at[0]] = x / y;
  }
};

template <class T>
struct ScaleShift {
  T* out;
  const T* a;
  T scale, shift;
  __device__ void operator()(const std::int64_t* at) const {
    out[at[0]] = scale * a[at[1]] + shift;
  }
};

}  // namespace

template <class T>
void arithmetic(Cuda device, Arithmetic op, const Strided<3>& walk, T* out,
                const T* a, const T* b) {
  using enum Arithmetic;
  switch (op) {
    case add:
      return cuda::for_each(device, walk, Apply<T, add>{out, a, b});
    case sub:
      return cuda::for_each(device, walk, Apply<T, sub>{out, a, b});
    case mul:
      return cuda::for_each(device, walk, Apply<T, mul>{out, a, b});
    case div:
      return cuda::for_each(device, walk, Apply<T, div>{out, a, b});
  }
}

template <class T>
void scale_shift(Cuda device, const Strided<2>& walk, T* out, const T* a,
                 T scale, T shift) {
  cuda::for_each(device, walk, ScaleShift<T>{out, a, scale, shift});
}

#define INSTANTIATE(T)                                                        \
  template void arithmetic(Cuda, Arithmetic, const Strided<3>&, T*, const T*, \
                           const T*);                                         \
  template void scale_shift(Cuda, const Strided<2>&, T*, const T*, T, T);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
