#pragma once

#include "sigtape/framework/ops/gemm_simd.h"

namespace sigtape {

/// The product by oneDNN, on the calling thread alone. False, and nothing
/// done, where this build has no oneDNN or it does not take such operands
/// (overlapping rows, A transposed).
bool gemm_onednn(const Gemm<float>& g);

/// oneDNN has no float64.
inline bool gemm_onednn(const Gemm<double>&) { return false; }

}  // namespace sigtape
