#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

using Tensors = std::vector<Tensor>;

// 1 / sum_j exp(a_j - a_i), or its logarithm, along `dim`.
std::vector<double> formula(const Tensor& a, int dim, bool logarithm) {
  const auto x = a.to_vector();
  std::vector<double> y(x.size());
  std::int64_t inner = 1;
  for (int i = dim + 1; i < a.rank(); ++i) inner *= a.size(i);
  const std::int64_t size = a.size(dim);
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    const std::int64_t first = i - i / inner % size * inner;
    double sum = 0;
    for (std::int64_t j = 0; j < size; ++j) {
      sum += std::exp(x[first + j * inner] - x[i]);
    }
    y[i] = logarithm ? -std::log(sum) : 1 / sum;
  }
  return y;
}

std::vector<OpCase> cases_of(Tensor (*op)(const Tensor&, int), bool logarithm) {
  std::vector<OpCase> cases;
  const auto add = [&](const Shape& shape, int dim) {
    const int d = dim < 0 ? dim + shape.rank() : dim;
    cases.push_back(
        {shape.to_string() + " dim " + std::to_string(dim),
         {random_tensor(shape)},
         [=](const Tensors& in) { return op(in[0], dim); },
         [=](const Tensors& in) { return formula(in[0], d, logarithm); }});
    cases.back().differentiable = shape.numel() < 1000;
  };
  for (const std::int64_t size : {1, 2, 7, 8, 9, 17}) add({3, size}, -1);
  add({5}, 0);
  add({2, 3, 4}, 0);
  add({2, 3, 4}, 1);
  add({2, 3, 4}, -1);
  add({0, 4}, 1);
  add({4, 0}, 1);
  add({3000, 11}, 1);
  return cases;
}

TEST(Softmax, Battery) { battery("softmax", cases_of(softmax, false)); }

TEST(LogSoftmax, Battery) {
  battery("log_softmax", cases_of(log_softmax, true));
}

TEST(Softmax, DoesNotOverflow) {
  const Tensor a = from_values({1000, 0, -1000, -1000}, {2, 2});
  EXPECT_EQ(softmax(a).to_vector(), (std::vector<double>{1, 0, 0.5, 0.5}));
  const auto logarithm = log_softmax(a).to_vector();
  EXPECT_EQ(logarithm[0], 0);
  EXPECT_EQ(logarithm[1], -1000);
  EXPECT_NEAR(logarithm[2], -std::log(2), 1e-6);
}

TEST(Softmax, IsTwiceDifferentiable) {
  for (const auto op : {softmax, log_softmax}) {
    const auto gradient = [op](const Tensors& in) {
      const GradMode recorded(true);
      const Tensor a =
          in[0].requires_grad() ? in[0] : in[0].detach().set_requires_grad();
      const Tensor y = op(a, -1);
      return gradients(sum(mul(y, y)), {a}, {}, {true, true})[0];
    };
    const GradcheckResult result = gradcheck(gradient, {random_tensor({2, 4})});
    EXPECT_TRUE(result.ok) << result.message;
  }
}

TEST(Softmax, RejectsWhatDoesNotFit) {
  expect_error([] { softmax(ones({2, 3}), 2); }, {"softmax", "2"});
  expect_error([] { log_softmax(ones({2, 3}), -3); }, {"log_softmax", "-3"});
  expect_error(
      [] {
        softmax(ones({2, 3}, {DType::int64, {}}));
      },
      {"softmax", "int64", "(2, 3)"});
}

}  // namespace
}  // namespace sigtape::test
