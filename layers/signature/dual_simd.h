#pragma once

// Numbers a + e b with e^2 = 0, for sources named X_simd.cpp: f(a + e b) =
// f(a) + e f'(a) b, so a computation run on them gives its derivative along b
// as well (Clifford 1873). V is T or Vec<T>.

#include "sigtape/framework/simd/vec.h"

namespace sigtape::SIGTAPE_ISA_NAME {

template <class V>
struct Dual {
  V value;
  V slope;

  SIGTAPE_INLINE Dual& operator+=(const Dual& b) {
    value += b.value;
    slope += b.slope;
    return *this;
  }
  SIGTAPE_INLINE Dual& operator-=(const Dual& b) {
    value -= b.value;
    slope -= b.slope;
    return *this;
  }
};

template <class V>
SIGTAPE_INLINE Dual<V> operator+(const Dual<V>& a, const Dual<V>& b) {
  return {a.value + b.value, a.slope + b.slope};
}

template <class V>
SIGTAPE_INLINE Dual<V> operator-(const Dual<V>& a, const Dual<V>& b) {
  return {a.value - b.value, a.slope - b.slope};
}

template <class V>
SIGTAPE_INLINE Dual<V> operator*(const Dual<V>& a, const Dual<V>& b) {
  return {a.value * b.value, a.value * b.slope + a.slope * b.value};
}

/// Times a number.
template <class V, class T>
SIGTAPE_INLINE Dual<V> operator*(const Dual<V>& a, T factor) {
  return {a.value * factor, a.slope * factor};
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
