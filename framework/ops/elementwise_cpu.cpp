#include <algorithm>
#include <cmath>
#include <numbers>

#include "sigtape/framework/ops/elementwise_kernels.h"
#include "sigtape/framework/ops/elementwise_simd.h"
#include "sigtape/framework/simd/isa.h"

namespace sigtape {

namespace {

template <class T, class F>
void apply(const Strided<2>& walk, T* out, const T* a, F f) {
  const std::int64_t so = walk.step(0), sa = walk.step(1);
  for_each_row(walk, [&](const auto& at, std::int64_t i, std::int64_t end) {
    T* o = out + at[0];
    const T* x = a + at[1];
    if (so == 1 && sa == 1) {
      for (; i < end; ++i) o[i] = f(x[i]);
    } else {
      for (; i < end; ++i) o[i * so] = f(x[i * sa]);
    }
  });
}

template <class T, class F>
void apply(const Strided<3>& walk, T* out, const T* a, const T* b, F f) {
  const std::int64_t so = walk.step(0), sa = walk.step(1), sb = walk.step(2);
  const bool dense = so == 1 && sa == 1 && sb == 1;
  for_each_row(walk, [&](const auto& at, std::int64_t i, std::int64_t end) {
    T* o = out + at[0];
    const T *x = a + at[1], *y = b + at[2];
    if (dense) {
      for (; i < end; ++i) o[i] = f(x[i], y[i]);
    } else {
      for (; i < end; ++i) o[i * so] = f(x[i * sa], y[i * sb]);
    }
  });
}

// P(N <= x) and the density of a standard normal N.
template <class T>
T normal_cdf(T x) {
  return T(0.5) * std::erfc(-x * T(1 / std::numbers::sqrt2));
}
template <class T>
T normal_density(T x) {
  constexpr double factor = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  return T(factor) * std::exp(T(-0.5) * x * x);
}

template <class T>
void power(const Strided<2>& walk, T* out, const T* a, T exponent) {
  if (exponent == 2) return apply(walk, out, a, [](T x) { return x * x; });
  if (exponent == 1) return apply(walk, out, a, [](T x) { return x; });
  if (exponent == -1) return apply(walk, out, a, [](T x) { return 1 / x; });
  apply(walk, out, a, [exponent](T x) { return std::pow(x, exponent); });
}

const ElementwiseKernels& kernels() {
  switch (active_isa()) {
#define SIGTAPE_CASE(isa) \
  case Isa::isa:          \
    return isa::elementwise_kernels();
    SIGTAPE_FOR_EACH_ISA(SIGTAPE_CASE)
#undef SIGTAPE_CASE
    default:
      return scalar::elementwise_kernels();
  }
}

// A vector function over any strides, by way of a contiguous buffer.
void apply_vectors(const Strided<2>& walk, float* out, const float* a,
                   FloatFunction f) {
  constexpr std::int64_t size = 256;
  const std::int64_t so = walk.step(0), sa = walk.step(1);
  for_each_row(walk, [&](const auto& at, std::int64_t i, std::int64_t end) {
    float* o = out + at[0];
    const float* x = a + at[1];
    if (so == 1 && sa == 1) return f(x + i, o + i, end - i);
    float buffer[size];
    for (; i < end; i += size) {
      const std::int64_t count = std::min(size, end - i);
      for (std::int64_t j = 0; j < count; ++j) buffer[j] = x[(i + j) * sa];
      f(buffer, buffer, count);
      for (std::int64_t j = 0; j < count; ++j) o[(i + j) * so] = buffer[j];
    }
  });
}

// Runs the vector kernel of `op` where there is one.
bool vectorised(Unary op, const Strided<2>& walk, float* out, const float* a) {
  FloatFunction f = nullptr;
  if (op == Unary::exp) f = kernels().exp;
  if (op == Unary::tanh) f = kernels().tanh;
  if (op == Unary::sigmoid) f = kernels().sigmoid;
  if (f) apply_vectors(walk, out, a, f);
  return f;
}
bool vectorised(Unary, const Strided<2>&, double*, const double*) {
  return false;
}

}  // namespace

template <class T>
void unary(Cpu, Unary op, double parameter, const Strided<2>& walk, T* out,
           const T* a) {
  if (vectorised(op, walk, out, a)) return;
  const T p = static_cast<T>(parameter);
  const auto run = [&](auto f) { apply(walk, out, a, f); };
  switch (op) {
    case Unary::exp:
      return run([](T x) { return std::exp(x); });
    case Unary::log:
      return run([](T x) { return std::log(x); });
    case Unary::sqrt:
      return run([](T x) { return std::sqrt(x); });
    case Unary::abs:
      return run([](T x) { return std::abs(x); });
    case Unary::pow:
      return power(walk, out, a, p);
    case Unary::relu:
      return run([](T x) { return x < 0 ? T{0} : x; });
    case Unary::leaky:
      return run([p](T x) { return x > 0 ? x : p * x; });
    case Unary::tanh:
      return run([](T x) { return std::tanh(x); });
    case Unary::sigmoid:
      return run([](T x) { return 1 / (1 + std::exp(-x)); });
    case Unary::gelu:
      return run([](T x) { return x * normal_cdf(x); });
    case Unary::softplus:
      return run([](T x) {
        return (x > 0 ? x : T{0}) + std::log1p(std::exp(-std::abs(x)));
      });
  }
}

template <class T>
void binary(Cpu, Binary op, double parameter, const Strided<3>& walk, T* out,
            const T* a, const T* b) {
  const T p = static_cast<T>(parameter);
  const auto run = [&](auto f) { apply(walk, out, a, b, f); };
  switch (op) {
    case Binary::pow:
      return run([](T x, T y) { return std::pow(x, y); });
    case Binary::relu_gradient:
      return run([](T g, T y) { return y > 0 ? g : T{0}; });
    case Binary::leaky_gradient:
      return run([p](T g, T x) { return x > 0 ? g : p * g; });
    case Binary::tanh_gradient:
      return run([](T g, T y) { return g * (1 - y * y); });
    case Binary::sigmoid_gradient:
      return run([](T g, T y) { return g * y * (1 - y); });
    case Binary::gelu_gradient:
      return run(
          [](T g, T x) { return g * (normal_cdf(x) + x * normal_density(x)); });
  }
}

#define INSTANTIATE(T)                                                       \
  template void unary(Cpu, Unary, double, const Strided<2>&, T*, const T*);  \
  template void binary(Cpu, Binary, double, const Strided<3>&, T*, const T*, \
                       const T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
