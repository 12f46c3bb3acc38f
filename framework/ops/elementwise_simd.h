#pragma once

#include <cstdint>

// Shared with sources compiled per instruction set: plain types only.

namespace sigtape {

/// out[i] = f(a[i]) for i < count, both contiguous; in place is allowed. An
/// element's result does not depend on its position.
using FloatFunction = void (*)(const float* a, float* out, std::int64_t count);

/// Functions of float32 within 3e-7 relative error, with the limits, signs and
/// NaN of the standard library's; results below 1.2e-38 may be less exact.
struct ElementwiseKernels {
  FloatFunction exp;
  FloatFunction tanh;
  FloatFunction sigmoid;
};

#if defined(__x86_64__) || defined(_M_X64)
namespace avx2 {
const ElementwiseKernels& elementwise_kernels();
}
namespace avx512 {
const ElementwiseKernels& elementwise_kernels();
}
#endif
#if defined(__aarch64__)
namespace neon {
const ElementwiseKernels& elementwise_kernels();
}
#endif
namespace scalar {
const ElementwiseKernels& elementwise_kernels();
}

}  // namespace sigtape
