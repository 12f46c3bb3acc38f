// Each of the three products is one of matrices that are read in place.
#include "sigtape/framework/ops/conv1d_kernels.h"
#include "sigtape/framework/ops/gemm_tile_cuda.h"
#include "sigtape/framework/ops/windows_cuda.h"

namespace sigtape {

namespace {

cuda::WindowSizes sizes_of(const Conv1dShape& s) {
  require(s.batch * s.length <= 0x7fffffff && s.batch * s.rows <= 0x7fffffff,
          "conv1d: batch ", s.batch, " times length ", s.length,
          " is more than 2147483647 points");
  return {s.length, s.in,     s.rows,    s.out,
          s.kernel, s.stride, s.padding, s.dilation};
}

}  // namespace

template <class T>
void conv1d_forward(Cuda device, const Conv1dShape& s, const T* x,
                    const T* weight, const T* bias, T* y) {
  const cuda::WindowSizes w = sizes_of(s);
  cuda::gemm_tiled<T>(device, {1, s.batch * s.rows, s.out, s.kernel * s.in},
                      cuda::Windows<T>{w, x}, cuda::WindowWeights<T>{w, weight},
                      cuda::StoreRows<T>{y, s.out, bias});
}

template <class T>
void conv1d_input_gradient(Cuda device, const Conv1dShape& s, const T* dy,
                           const T* weight, T* dx) {
  const cuda::WindowSizes w = sizes_of(s);
  cuda::gemm_tiled<T>(device, {1, s.batch * s.length, s.in, s.kernel * s.out},
                      cuda::Cotangents<T>{w, dy, s.out},
                      cuda::CotangentWeights<T>{w, weight},
                      cuda::StoreRows<T>{dx, s.in});
}

template <class T>
void conv1d_weight_gradient(Cuda device, const Conv1dShape& s, const T* dy,
                            const T* x, T* dweight) {
  const cuda::WindowSizes w = sizes_of(s);
  const std::int64_t columns = s.kernel * s.in;
  cuda::gemm_tiled<T>(device, {1, s.out, columns, s.batch * s.rows},
                      cuda::CotangentRows<T>{dy, s.out},
                      cuda::WindowsOfRows<T>{cuda::Windows<T>{w, x}, columns},
                      cuda::StoreWeights<T>{w, dweight, nullptr});
}

#define INSTANTIATE(T)                                                       \
  template void conv1d_forward(Cuda, const Conv1dShape&, const T*, const T*, \
                               const T*, T*);                                \
  template void conv1d_input_gradient(Cuda, const Conv1dShape&, const T*,    \
                                      const T*, T*);                         \
  template void conv1d_weight_gradient(Cuda, const Conv1dShape&, const T*,   \
                                       const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
