#pragma once

#include <type_traits>

#include "sigtape/framework/cuda/walk_cuda.h"

/// Second derivatives on a GPU: kernels that are templates of their number
/// type run on numbers that carry a derivative along.
namespace sigtape::cuda {

/// a + e b with e^2 = 0: f(a + e b) = f(a) + e f'(a) b, so a computation on
/// these gives its derivative along b as well (Clifford 1873).
template <class T>
struct Dual {
  T value, slope;

  Dual() = default;
  __host__ __device__ constexpr Dual(T value, T slope)
      : value(value), slope(slope) {}
  /// A constant.
  template <class Number,
            class = std::enable_if_t<std::is_arithmetic_v<Number>>>
  __host__ __device__ constexpr Dual(Number number)
      : value(static_cast<T>(number)), slope(0) {}

  __device__ Dual& operator+=(const Dual& b) {
    value += b.value;
    slope += b.slope;
    return *this;
  }
  __device__ Dual& operator-=(const Dual& b) {
    value -= b.value;
    slope -= b.slope;
    return *this;
  }
  __device__ Dual operator-() const { return {-value, -slope}; }

  friend __device__ Dual operator+(const Dual& a, const Dual& b) {
    return {a.value + b.value, a.slope + b.slope};
  }
  friend __device__ Dual operator-(const Dual& a, const Dual& b) {
    return {a.value - b.value, a.slope - b.slope};
  }
  friend __device__ Dual operator*(const Dual& a, const Dual& b) {
    return {a.value * b.value, a.value * b.slope + a.slope * b.value};
  }
  friend __device__ Dual operator/(const Dual& a, const Dual& b) {
    const T quotient = a.value / b.value;
    return {quotient, (a.slope - quotient * b.slope) / b.value};
  }
};

template <class T>
constexpr bool is_dual = false;
template <class T>
constexpr bool is_dual<Dual<T>> = true;

/// to[i] = value[i] + e slope[i]; a null slope is 0.
template <class T>
struct JoinDuals {
  Dual<T>* to;
  const T *value, *slope;
  __device__ void operator()(std::int64_t i) const {
    to[i] = Dual<T>(value[i], slope ? slope[i] : T(0));
  }
};

/// to[i] = the slope of from[i].
template <class T>
struct TakeSlopes {
  T* to;
  const Dual<T>* from;
  __device__ void operator()(std::int64_t i) const { to[i] = from[i].slope; }
};

template <class T>
void join_duals(Cuda device, std::int64_t count, const T* value, const T* slope,
                Dual<T>* to) {
  for_each(device, count, JoinDuals<T>{to, value, slope});
}

/// Nothing where `to` is null.
template <class T>
void take_slopes(Cuda device, std::int64_t count, const Dual<T>* from, T* to) {
  if (to) for_each(device, count, TakeSlopes<T>{to, from});
}

}  // namespace sigtape::cuda
