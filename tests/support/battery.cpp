#include "support/battery.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/random.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/framework/tape.h"
#include "support/cuda_battery.h"
#include "support/gradient_count.h"

namespace sigtape::test {

namespace {

using Tensors = std::vector<Tensor>;

Tensors converted(const Tensors& inputs, DType dtype) {
  Tensors result;
  for (const Tensor& t : inputs) {
    result.push_back(is_floating(t.dtype()) ? cast(t, dtype) : t);
  }
  return result;
}

// The same values, each input as every second element of a wider storage with
// its axes in reverse order.
Tensors scattered(const Tensors& inputs) {
  Tensors result;
  for (const Tensor& t : inputs) {
    Shape reversed, strides = Shape::filled(t.rank(), 0);
    for (int i = t.rank() - 1; i >= 0; --i) reversed.push_back(t.shape()[i]);
    reversed.push_back(2);
    Tensor wide = empty(reversed, {t.dtype(), {}});
    wide.fill_(-77);
    for (int i = 0; i < t.rank(); ++i) {
      strides[i] = wide.strides()[t.rank() - 1 - i];
    }
    Tensor view = alias(wide, t.shape(), strides, 1);
    view.copy_(t);
    result.push_back(view);
  }
  return result;
}

std::vector<double> run(const OpCase& c, const Tensors& inputs) {
  const NoGrad no_grad;
  return c.op(inputs).to_vector();
}

// The gradients of the output's sum times fixed weights.
std::vector<std::vector<double>> backward(const OpCase& c, Tensors inputs) {
  for (Tensor& t : inputs) {
    t = t.detach();
    if (is_floating(t.dtype())) t.set_requires_grad();
  }
  const Tensor y = c.op(inputs);
  y.backward(cast(random_tensor(y.shape(), 5), y.dtype()));
  std::vector<std::vector<double>> gradients;
  for (const Tensor& t : inputs) {
    if (!is_floating(t.dtype())) continue;
    EXPECT_TRUE(t.grad().defined());
    if (t.grad().defined()) gradients.push_back(t.grad().to_vector());
  }
  return gradients;
}

void check_values(const OpCase& c) {
  const std::vector<double> expected = c.reference(c.inputs);
  const Tensors rounded = converted(c.inputs, DType::float32);
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    const ScopedIsa forced(isa);
    EXPECT_LE(relative_error(run(c, c.inputs), expected), c.tolerance)
        << isa_name(isa);
    EXPECT_LE(relative_error(run(c, rounded), expected), c.tolerance32)
        << "float32, " << isa_name(isa);
  }
}

void check_bits(const OpCase& c) {
  const int threads = num_threads();
  for (const DType type : {DType::float64, DType::float32}) {
    const Tensors inputs = converted(c.inputs, type);
    const std::vector<double> once = run(c, inputs);
    EXPECT_EQ(once, run(c, inputs)) << "a second run, " << type;
    EXPECT_EQ(once, run(c, scattered(inputs))) << "strided inputs, " << type;
    for (const int t : {1, 2, 7}) {
      set_num_threads(t);
      EXPECT_EQ(once, run(c, inputs)) << t << " threads, " << type;
    }
    set_num_threads(threads);
  }
}

void check_inputs_unchanged(const OpCase& c) {
  std::vector<std::vector<double>> before;
  for (const Tensor& t : c.inputs) before.push_back(t.to_vector());
  run(c, c.inputs);
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(c.inputs[i].to_vector(), before[i]) << "input " << i;
  }
}

void check_gradients(const OpCase& c) {
  const GradcheckResult result = gradcheck(c.op, c.inputs);
  count_gradient_case();
  EXPECT_TRUE(result.ok) << result.message;
  const auto exact = backward(c, c.inputs);
  const auto rounded = backward(c, converted(c.inputs, DType::float32));
  const auto strided = backward(c, scattered(c.inputs));
  for (std::size_t i = 0; i < exact.size(); ++i) {
    EXPECT_LE(relative_error(rounded[i], exact[i]), c.gradient_tolerance32)
        << "float32 gradient of argument " << i;
    EXPECT_LE(relative_error(strided[i], exact[i]), 1e-12)
        << "gradient of strided argument " << i;
  }
}

}  // namespace

void battery(const std::string& op, const std::vector<OpCase>& cases) {
  ASSERT_FALSE(cases.empty()) << op;
  if (cuda_device_count() > 0) cuda_battery(op, cases);
  const char* part = std::getenv("SIGTAPE_BATTERY");
  if (part && std::string_view(part) == "cuda") return;
  for (const OpCase& c : cases) {
    SCOPED_TRACE(op + ": " + c.name);
    check_values(c);
    check_bits(c);
    check_inputs_unchanged(c);
    if (c.differentiable) check_gradients(c);
  }
}

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  std::vector<double> values(shape.numel());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = philox_normal(seed, i, 11);
  }
  return from_values(values, shape, {DType::float64, {}});
}

Tensor random_uniform(const Shape& shape, double low, double high,
                      std::uint64_t seed) {
  std::vector<double> values(shape.numel());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = low + (high - low) * philox_uniform(seed, i, 12);
  }
  return from_values(values, shape, {DType::float64, {}});
}

void expect_error(const std::function<void()>& f,
                  const std::vector<std::string>& fragments) {
  try {
    f();
    ADD_FAILURE() << "no error; expected one with '" << fragments[0] << "'";
  } catch (const Error& error) {
    const std::string message = error.what();
    for (const std::string& fragment : fragments) {
      EXPECT_NE(message.find(fragment), std::string::npos)
          << "'" << fragment << "' is not in: " << message;
    }
  }
}

double relative_error(const std::vector<double>& got,
                      const std::vector<double>& expected) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  if (got.size() != expected.size()) return infinite;
  double error = 0, scale = 1e-30;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(got[i] - expected[i]);
    if (!(difference < infinite)) return infinite;
    error = std::max(error, difference);
    scale = std::max(scale, std::abs(expected[i]));
  }
  return error / scale;
}

}  // namespace sigtape::test
