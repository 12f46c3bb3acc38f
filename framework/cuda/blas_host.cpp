// In main memory the kernels of gemm_cuda.cu make every product.
#include "sigtape/framework/cuda/blas.h"

namespace sigtape::cuda {

bool blas_gemm(Cuda, const Gemm<float>&, const Strided<3>&) { return false; }
bool blas_gemm(Cuda, const Gemm<double>&, const Strided<3>&) { return false; }

}  // namespace sigtape::cuda
