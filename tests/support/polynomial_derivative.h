#pragma once

#include <array>

#include "sigtape/framework/tensor.h"

namespace sigtape::test {

/// Sum of the products of the elements of two tensors of one shape, in float64.
inline double dot(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector(), y = b.to_vector();
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

/// f'(0) of a polynomial of degree <= 8, from f(+-h) .. f(+-4h): exact but for
/// rounding (central differences of order 8).
template <class F>
double polynomial_derivative(const F& f) {
  constexpr std::array<double, 4> weights = {4. / 5, -1. / 5, 4. / 105,
                                             -1. / 280};
  constexpr double h = .25;
  double sum = 0;
  for (int k = 1; k <= 4; ++k) sum += weights[k - 1] * (f(k * h) - f(-k * h));
  return sum / h;
}

}  // namespace sigtape::test
