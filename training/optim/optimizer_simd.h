#pragma once

#include <cstdint>

// Shared with sources compiled per instruction set: plain types only.

namespace sigtape {

/// The numbers of a step of Adam, see AdamStep and GradientFilter.
template <class T>
struct AdamNumbers {
  T step_size, root_correction, beta1, beta2, eps, gradient_decay, shrink;
  T scale, limit;
};

/// One pass of one instruction set over arrays of `count`: weight, gradient,
/// first and second moment.
template <class T>
using AdamKernel = void(const AdamNumbers<T>& numbers, std::int64_t count,
                        T* weight, const T* gradient, T* m, T* v);

#if defined(__x86_64__) || defined(_M_X64)
namespace avx2 {
extern AdamKernel<float>* const adam_float;
extern AdamKernel<double>* const adam_double;
}  // namespace avx2
namespace avx512 {
extern AdamKernel<float>* const adam_float;
extern AdamKernel<double>* const adam_double;
}  // namespace avx512
#endif
#if defined(__aarch64__)
namespace neon {
extern AdamKernel<float>* const adam_float;
extern AdamKernel<double>* const adam_double;
}  // namespace neon
#endif
namespace scalar {
extern AdamKernel<float>* const adam_float;
extern AdamKernel<double>* const adam_double;
}  // namespace scalar

}  // namespace sigtape
