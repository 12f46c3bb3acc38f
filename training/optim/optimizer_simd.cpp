// Adam's step, whose roots and divisions are what takes time, and the norm of a
// gradient: the compiler turns the loops into vectors of the instruction set.
#include "sigtape/training/optim/optimizer_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

namespace {

inline float root(float x) { return __builtin_sqrtf(x); }
inline double root(double x) { return __builtin_sqrt(x); }
inline float size(float x) { return __builtin_fabsf(x); }
inline double size(double x) { return __builtin_fabs(x); }

// Where normal numbers begin, and numbers whose squares, a thousandth of them,
// are normal. What is below costs a processor some hundred cycles.
template <class T>
constexpr T normal = 0x1p-126f;
template <>
constexpr double normal<double> = 0x1p-1022;
template <class T>
constexpr T has_square = 0x1p-58f;
template <>
constexpr double has_square<double> = 0x1p-506;

template <class T>
inline T flushed(T x, T least) {
  return size(x) < least ? T{0} : x;
}

template <class T, bool Clamps>
void update(const AdamNumbers<T>& numbers, std::int64_t count,
            T* __restrict weight, const T* __restrict gradient, T* __restrict m,
            T* __restrict v) {
  const AdamNumbers<T> n = numbers;
  const T keeps1 = 1 - n.beta1, keeps2 = 1 - n.beta2;
  // Without eps a step is a quotient of means, however small.
  const T least = n.eps > 0 ? normal<T> : T{0};
  const T least_squared = n.eps > 0 ? has_square<T> : T{0};
  for (std::int64_t i = 0; i < count; ++i) {
    const T w = n.shrink * weight[i];
    T g = n.scale * gradient[i];
    if (Clamps) {
      g = g > n.limit ? n.limit : g;
      g = g < -n.limit ? -n.limit : g;
    }
    g += n.gradient_decay * w;
    const T square_of = flushed(g, least_squared);
    m[i] = flushed(n.beta1 * m[i] + keeps1 * g, least);
    v[i] = flushed(n.beta2 * v[i] + keeps2 * square_of * square_of, least);
    weight[i] =
        w - n.step_size * m[i] / (root(v[i]) / n.root_correction + n.eps);
  }
}

template <class T>
void adam(const AdamNumbers<T>& numbers, std::int64_t count, T* weight,
          const T* gradient, T* m, T* v) {
  if (numbers.limit > 0) {
    update<T, true>(numbers, count, weight, gradient, m, v);
  } else {
    update<T, false>(numbers, count, weight, gradient, m, v);
  }
}

// Many sums side by side, as additions wait for the one before; their order is
// the same for every instruction set.
template <class T>
double sum_of_squares(std::int64_t count, const T* values) {
  constexpr int sums = 32;
  double part[sums] = {};
  std::int64_t i = 0;
  for (; i + sums <= count; i += sums) {
    for (int j = 0; j < sums; ++j) {
      const double value = static_cast<double>(values[i + j]);
      part[j] += value * value;
    }
  }
  for (int j = 0; i < count; ++i, ++j) {
    part[j] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  for (int half = sums / 2; half > 0; half /= 2) {
    for (int j = 0; j < half; ++j) part[j] += part[j + half];
  }
  return part[0];
}

}  // namespace

const AdamKernels<float> adam_float32 = {adam<float>, sum_of_squares<float>};
const AdamKernels<double> adam_float64 = {adam<double>, sum_of_squares<double>};

}  // namespace sigtape::SIGTAPE_ISA_NAME
