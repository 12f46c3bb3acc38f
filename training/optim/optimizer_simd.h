#pragma once

#include <cstdint>

#include "sigtape/framework/simd/isa_list.h"

// Shared with sources compiled per instruction set: plain types only.

namespace sigtape {

/// The numbers of a step of Adam, see AdamStep and GradientFilter.
template <class T>
struct AdamNumbers {
  T step_size, root_correction, beta1, beta2, eps, gradient_decay, shrink;
  T scale, limit;
};

/// The kernels of one instruction set, on the calling thread.
template <class T>
struct AdamKernels {
  /// One pass over arrays of `count`: weight, gradient, first and second
  /// moment. Moments too small to be normal become 0: see
  /// docs/performance.md.
  void (*update)(const AdamNumbers<T>& numbers, std::int64_t count, T* weight,
                 const T* gradient, T* m, T* v);
  /// The sum of the squares of `count` values, in double.
  double (*sum_of_squares)(std::int64_t count, const T* values);
};

}  // namespace sigtape

#define SIGTAPE_DECLARE_TABLE(isa)               \
  namespace sigtape::isa {                       \
  extern const AdamKernels<float> adam_float32;  \
  extern const AdamKernels<double> adam_float64; \
  }
SIGTAPE_FOR_EACH_ISA(SIGTAPE_DECLARE_TABLE)
#undef SIGTAPE_DECLARE_TABLE
