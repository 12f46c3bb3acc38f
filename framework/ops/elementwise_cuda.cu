#include <cmath>

#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/ops/elementwise_kernels.h"

namespace sigtape {

namespace {

// P(N <= x) and the density of a standard normal N.
template <class T>
__device__ T normal_cdf(T x) {
  return T(0.5) * std::erfc(-x * T(0.70710678118654752440));
}
template <class T>
__device__ T normal_density(T x) {
  return T(0.39894228040143267794) * std::exp(T(-0.5) * x * x);
}

template <class T>
__device__ T power(T x, T exponent) {
  if (exponent == 2) return x * x;
  if (exponent == 1) return x;
  if (exponent == -1) return 1 / x;
  return std::pow(x, exponent);
}

template <class T, Unary op>
struct ApplyUnary {
  T* out;
  const T* a;
  T p;
  __device__ void operator()(const std::int64_t* at) const {
    out[at[0]] = value(a[at[1]]);
  }
  __device__ T value(T x) const {
    if constexpr (op == Unary::exp) return std::exp(x);
    if constexpr (op == Unary::log) return std::log(x);
    if constexpr (op == Unary::sqrt) return std::sqrt(x);
    if constexpr (op == Unary::abs) return std::abs(x);
    if constexpr (op == Unary::pow) return power(x, p);
    if constexpr (op == Unary::relu) return x < 0 ? T{0} : x;
    if constexpr (op == Unary::leaky) return x > 0 ? x : p * x;
    if constexpr (op == Unary::tanh) return std::tanh(x);
    if constexpr (op == Unary::sigmoid) return 1 / (1 + std::exp(-x));
    if constexpr (op == Unary::gelu) return x * normal_cdf(x);
    if constexpr (op == Unary::softplus) {
      return (x > 0 ? x : T{0}) + std::log1p(std::exp(-std::abs(x)));
    }
  }
};

template <class T, Binary op>
struct ApplyBinary {
  T* out;
  const T *a, *b;
  T p;
  __device__ void operator()(const std::int64_t* at) const {
    out[at[0]] = value(a[at[1]], b[at[2]]);
  }
  __device__ T value(T g, T x) const {
    if constexpr (op == Binary::pow) return std::pow(g, x);
    if constexpr (op == Binary::relu_gradient) return x > 0 ? g : T{0};
    if constexpr (op == Binary::leaky_gradient) return x > 0 ? g : p * g;
    if constexpr (op == Binary::tanh_gradient) return g * (1 - x * x);
    if constexpr (op == Binary::sigmoid_gradient) return g * x * (1 - x);
    if constexpr (op == Binary::gelu_gradient) {
      return g * (normal_cdf(x) + x * normal_density(x));
    }
  }
};

}  // namespace

template <class T>
void unary(Cuda device, Unary op, double parameter, const Strided<2>& walk,
           T* out, const T* a) {
  const T p = static_cast<T>(parameter);
  switch (op) {
#define SIGTAPE_CASE(name) \
  case Unary::name:        \
    return cuda::for_each(device, walk, ApplyUnary<T, Unary::name>{out, a, p});
    SIGTAPE_CASE(exp)
    SIGTAPE_CASE(log)
    SIGTAPE_CASE(sqrt)
    SIGTAPE_CASE(abs)
    SIGTAPE_CASE(pow)
    SIGTAPE_CASE(relu)
    SIGTAPE_CASE(leaky)
    SIGTAPE_CASE(tanh)
    SIGTAPE_CASE(sigmoid)
    SIGTAPE_CASE(gelu)
    SIGTAPE_CASE(softplus)
#undef SIGTAPE_CASE
  }
}

template <class T>
void binary(Cuda device, Binary op, double parameter, const Strided<3>& walk,
            T* out, const T* a, const T* b) {
  const T p = static_cast<T>(parameter);
  switch (op) {
#define SIGTAPE_CASE(name)              \
  case Binary::name:                    \
    return cuda::for_each(device, walk, \
                          ApplyBinary<T, Binary::name>{out, a, b, p});
    SIGTAPE_CASE(pow)
    SIGTAPE_CASE(relu_gradient)
    SIGTAPE_CASE(leaky_gradient)
    SIGTAPE_CASE(tanh_gradient)
    SIGTAPE_CASE(sigmoid_gradient)
    SIGTAPE_CASE(gelu_gradient)
#undef SIGTAPE_CASE
  }
}

#define INSTANTIATE(T)                                                        \
  template void unary(Cuda, Unary, double, const Strided<2>&, T*, const T*);  \
  template void binary(Cuda, Binary, double, const Strided<3>&, T*, const T*, \
                       const T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
