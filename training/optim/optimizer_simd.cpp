// Adam's step, whose roots and divisions are what takes time: the compiler
// turns the loop into vectors of the instruction set.
#include "sigtape/training/optim/optimizer_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

namespace {

inline float root(float x) { return __builtin_sqrtf(x); }
inline double root(double x) { return __builtin_sqrt(x); }

template <class T, bool Clamps>
void update(const AdamNumbers<T>& numbers, std::int64_t count,
            T* __restrict weight, const T* __restrict gradient, T* __restrict m,
            T* __restrict v) {
  const AdamNumbers<T> n = numbers;
  const T keeps1 = 1 - n.beta1, keeps2 = 1 - n.beta2;
  for (std::int64_t i = 0; i < count; ++i) {
    const T w = n.shrink * weight[i];
    T g = n.scale * gradient[i];
    if (Clamps) {
      g = g > n.limit ? n.limit : g;
      g = g < -n.limit ? -n.limit : g;
    }
    g += n.gradient_decay * w;
    m[i] = n.beta1 * m[i] + keeps1 * g;
    v[i] = n.beta2 * v[i] + keeps2 * g * g;
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

}  // namespace

AdamKernel<float>* const adam_float = adam<float>;
AdamKernel<double>* const adam_double = adam<double>;

}  // namespace sigtape::SIGTAPE_ISA_NAME
