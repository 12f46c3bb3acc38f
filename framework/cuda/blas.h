#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops/gemm_simd.h"
#include "sigtape/framework/ops/strided.h"

namespace sigtape::cuda {

/// gemm() of gemm_kernels.h by cuBLAS, in full precision (no TF32), where it
/// is there and worth its launch; false where the product is still to be made.
bool blas_gemm(Cuda device, const Gemm<float>& g, const Strided<3>& batch);
bool blas_gemm(Cuda device, const Gemm<double>& g, const Strided<3>& batch);

/// Whether cuBLAS is there, or its place is taken by a test.
bool has_blas();

}  // namespace sigtape::cuda
