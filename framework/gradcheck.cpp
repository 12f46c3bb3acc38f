#include "sigtape/framework/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/random.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

double projected(const TensorFunction& f, const std::vector<Tensor>& inputs,
                 const std::vector<double>& cotangent) {
  const NoGrad no_grad;
  const std::vector<double> y = f(inputs).to_vector();
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * cotangent[i];
  return sum;
}

double difference(const TensorFunction& f, const std::vector<Tensor>& inputs,
                  const std::vector<double>& cotangent, double* x,
                  double step) {
  const double x0 = *x, h = step * std::max(1.0, std::abs(x0));
  const auto at = [&](double shift) {
    *x = x0 + shift;
    return projected(f, inputs, cotangent);
  };
  const double near = at(h) - at(-h), far = at(2 * h) - at(-2 * h);
  *x = x0;
  return (8 * near - far) / (12 * h);
}

std::vector<double> random_numbers(std::int64_t count, std::uint64_t seed) {
  std::vector<double> values(count);
  for (std::int64_t i = 0; i < count; ++i) values[i] = philox_normal(seed, i);
  return values;
}

// Checks the gradient of one argument, `start` being what it held before.
void compare(const TensorFunction& f, const std::vector<Tensor>& inputs,
             std::size_t argument, const std::vector<double>& cotangent,
             double start, const GradcheckOptions& options,
             GradcheckResult& result) {
  Tensor x = inputs[argument].detach();
  const std::vector<double> got = inputs[argument].grad().to_vector();
  std::vector<double> expected(got.size());
  double scale = 1e-3;
  double* values = x.mutable_data<double>();
  for (std::size_t i = 0; i < got.size(); ++i) {
    expected[i] = difference(f, inputs, cotangent, values + i, options.step);
    scale = std::max(scale, std::abs(expected[i]));
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(got[i] - start - expected[i]) / scale;
    ++result.checked;
    if (error <= result.worst) continue;  // false for NaN
    result.worst = error;
    std::ostringstream text;
    text.precision(12);
    text << "gradient of argument " << argument << " at index " << i
         << ": expected " << expected[i] << ", got " << got[i] - start;
    result.message = text.str();
    if (!(error <= options.tolerance)) result.ok = false;
  }
}

}  // namespace

GradcheckResult gradcheck(const TensorFunction& f, std::vector<Tensor> inputs,
                          GradcheckOptions options) {
  constexpr double start = 0.25;
  for (Tensor& input : inputs) {
    if (input.dtype() != DType::float64) continue;
    input = contiguous(input.detach()).detach();
    input.set_requires_grad();
    input.set_grad(full(input.shape(), start, {DType::float64, {}}));
  }
  const Tensor y = f(inputs);
  const auto cotangent = random_numbers(y.numel(), options.seed);
  y.backward(from_values(cotangent, y.shape(), {DType::float64, {}}));
  GradcheckResult result;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].dtype() != DType::float64) continue;
    compare(f, inputs, i, cotangent, start, options, result);
  }
  return result;
}

}  // namespace sigtape
