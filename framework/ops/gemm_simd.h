#pragma once

#include <cstdint>

#include "sigtape/framework/simd/isa_list.h"

// Shared with sources compiled per instruction set: plain types only.

namespace sigtape {

/// C = A B, or C += A B where `accumulate`, of A (m, k), B (k, n), C (m, n).
/// Element (i, l) of A stands at a[i * a_row + l * a_col], B alike; the rows
/// of C are contiguous. Rows of A and of B may overlap: the windows of a
/// stream are a matrix whose rows are one step apart.
template <class T>
struct Gemm {
  std::int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  std::int64_t a_row = 0, a_col = 1;
  const T* b = nullptr;
  std::int64_t b_row = 0, b_col = 1;
  T* c = nullptr;
  std::int64_t c_row = 0;
  bool accumulate = false;
  /// What every row of C is before A B is added to it, [n], or null; C is not
  /// accumulated to then. Of gemm() on a CPU, not of the kernels below.
  const T* bias = nullptr;
};

/// The kernels of one instruction set, on the calling thread.
template <class T>
struct GemmKernels {
  /// Vectors along n: wants b_col = 1.
  void (*rows)(const Gemm<T>& g);
  /// Vectors along k, summed at the end: wants a_col = b_row = 1.
  void (*dots)(const Gemm<T>& g);
};

}  // namespace sigtape

#define SIGTAPE_DECLARE_TABLE(isa)               \
  namespace sigtape::isa {                       \
  extern const GemmKernels<float> gemm_float32;  \
  extern const GemmKernels<double> gemm_float64; \
  }
SIGTAPE_FOR_EACH_ISA(SIGTAPE_DECLARE_TABLE)
#undef SIGTAPE_DECLARE_TABLE
