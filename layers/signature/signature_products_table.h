#pragma once

#include "sigtape/framework/simd/isa_list.h"
#include "sigtape/layers/signature/tensor_series_table.h"

namespace sigtape::cpu {

/// a + e b with e^2 = 0, as dual_simd.h's: rows of second derivatives.
template <class T>
struct DualNumber {
  T value, slope;

  DualNumber& operator+=(const DualNumber& b) {
    value += b.value;
    slope += b.slope;
    return *this;
  }
};

/// What one instruction set gives for one element type: products of `count`
/// pairs of signatures of S elements each, count from 1 to `lanes`. `scratch`
/// is aligned to 64 bytes.
template <class T>
struct ProductsTable {
  int lanes;
  /// Vectors of scratch memory per element of a signature.
  static constexpr int kScratch = 5;
  /// out[i] = a[i] (x) b[i].
  void (*product)(const Levels& levels, int depth, int count, const T* const* a,
                  const T* const* b, T* const* out, void* scratch);
  /// Writes da[i], db[i], the gradients of sum(dout[i] * (a[i] (x) b[i])).
  void (*adjoint)(const Levels& levels, int depth, int count, const T* const* a,
                  const T* const* b, const T* const* dout, T* const* da,
                  T* const* db, void* scratch);
  /// The same of one pair over dual numbers.
  void (*dual_product)(const Levels& levels, int depth, const DualNumber<T>* a,
                       const DualNumber<T>* b, DualNumber<T>* out);
  void (*dual_adjoint)(const Levels& levels, int depth, const DualNumber<T>* a,
                       const DualNumber<T>* b, const DualNumber<T>* dout,
                       DualNumber<T>* da, DualNumber<T>* db);
};

}  // namespace sigtape::cpu

#define SIGTAPE_DECLARE_TABLE(isa)                          \
  namespace sigtape::isa {                                  \
  extern const cpu::ProductsTable<float> products_float32;  \
  extern const cpu::ProductsTable<double> products_float64; \
  }
SIGTAPE_FOR_EACH_ISA(SIGTAPE_DECLARE_TABLE)
#undef SIGTAPE_DECLARE_TABLE
