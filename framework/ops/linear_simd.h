#pragma once

#include <cstdint>

#include "sigtape/framework/simd/isa_list.h"

// Shared with sources compiled per instruction set: plain types only.

namespace sigtape {

/// y = x W^T + bias on `count` rows: x [count, in], y [count, out].
template <class T>
struct LinearRows {
  std::int64_t count = 0, in = 0, out = 0;
  const T* x = nullptr;
  const T* x_end = nullptr;   // numbers before it may be read
  const T* weight = nullptr;  // [in, out]
  const T* bias = nullptr;    // [out], or null
  T* y = nullptr;
  const T* next = nullptr;  // rows that are read after these
  /// Rows to be brought near meanwhile, as many; null: those a little ahead.
  const T* near = nullptr;
};

/// Sums over `count` rows of the products of dy with x and with 1: x [count,
/// in], dy [count, out]. Number c of output o goes to sums[o * step + c], the
/// sum of dy to c = in.
template <class T>
struct LinearProducts {
  std::int64_t count = 0, in = 0, out = 0;
  const T* x = nullptr;
  const T* x_end = nullptr;  // as above
  const T* dy = nullptr;
  T* sums = nullptr;        // [out, step], added to
  std::int64_t step = 0;    // LinearKernels::step(in)
  const T* next = nullptr;  // as above
  const T* near = nullptr;  // as above
};

/// The kernels of one instruction set, on the calling thread, for `in` and
/// `out` of at most linear_most.
template <class T>
struct LinearKernels {
  std::int64_t (*step)(std::int64_t numbers);
  void (*rows)(const LinearRows<T>& rows);
  void (*products)(const LinearProducts<T>& products);
  /// values[i] = values[i + step] - values[i], i = 0 .. count - 1.
  void (*differences)(std::int64_t count, std::int64_t step, T* values);
};
constexpr std::int64_t linear_most = 64;

}  // namespace sigtape

#define SIGTAPE_DECLARE_TABLE(isa)                   \
  namespace sigtape::isa {                           \
  extern const LinearKernels<float> linear_float32;  \
  extern const LinearKernels<double> linear_float64; \
  }
SIGTAPE_FOR_EACH_ISA(SIGTAPE_DECLARE_TABLE)
#undef SIGTAPE_DECLARE_TABLE
