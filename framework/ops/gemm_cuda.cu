#include "sigtape/framework/cuda/blas.h"
#include "sigtape/framework/ops/gemm_kernels.h"
#include "sigtape/framework/ops/gemm_tile_cuda.h"

namespace sigtape {

namespace {

// Matrix n (1: A, 2: B) of a batch, with any strides.
template <class T, int n, bool neighbours_along_k>
struct Matrix {
  static constexpr bool along_k = neighbours_along_k;
  const T* data;
  std::int64_t high, wide;  // strides of the two indices
  cuda::Walk<3> batch;
  __device__ T operator()(std::int64_t z, std::int64_t i,
                          std::int64_t j) const {
    return data[offsets(batch, z).at[n] + i * high + j * wide];
  }
};

template <class T>
struct Store {
  T* data;
  std::int64_t row;
  bool accumulate;
  cuda::Walk<3> batch;
  __device__ void operator()(std::int64_t z, std::int64_t i, std::int64_t j,
                             T value) const {
    T& c = data[offsets(batch, z).at[0] + i * row + j];
    c = accumulate ? c + value : value;
  }
};

template <class T, bool a_along_k, bool b_along_k>
void run(Cuda device, const cuda::GemmSizes& s, const Gemm<T>& g,
         const cuda::Walk<3>& walk) {
  const Matrix<T, 1, a_along_k> a{g.a, g.a_row, g.a_col, walk};
  const Matrix<T, 2, b_along_k> b{g.b, g.b_row, g.b_col, walk};
  const Store<T> c{g.c, g.c_row, g.accumulate, walk};
  cuda::gemm_tiled<T>(device, s, a, b, c);
}

}  // namespace

template <class T>
void gemm(Cuda device, const Gemm<T>& g, const Strided<3>& batch) {
  const cuda::Walk<3> walk(batch);
  if (g.m == 0 || g.n == 0 || walk.count == 0) return;
  if (cuda::blas_gemm(device, g, batch)) return;
  const cuda::GemmSizes s{walk.count, g.m, g.n, g.k};
  if (g.a_col == 1) {
    if (g.b_row == 1) return run<T, true, true>(device, s, g, walk);
    return run<T, true, false>(device, s, g, walk);
  }
  if (g.b_row == 1) return run<T, false, true>(device, s, g, walk);
  run<T, false, false>(device, s, g, walk);
}

template void gemm(Cuda, const Gemm<float>&, const Strided<3>&);
template void gemm(Cuda, const Gemm<double>&, const Strided<3>&);

}  // namespace sigtape
