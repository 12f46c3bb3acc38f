// In main memory the kernels of gemm_cuda.cu make every product, those that are
// cut for cuBLAS too.
#include "sigtape/framework/cuda/blas.h"

namespace sigtape::cuda {

bool blas_gemm(Cuda, const Gemm<float>&, const Strided<3>&) { return false; }
bool blas_gemm(Cuda, const Gemm<double>&, const Strided<3>&) { return false; }
bool has_blas() { return true; }

}  // namespace sigtape::cuda
