#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape {
namespace {

using namespace test;
using Tensors = std::vector<Tensor>;
using Values = std::vector<double>;

// Element `place` (row-major in `shape`) of `values`, of shape `from`, when
// broadcast to `shape`: sizes of 1 and absent axes stay at 0.
double broadcast(const Values& values, const Shape& from, const Shape& shape,
                 std::int64_t place) {
  std::int64_t at = 0, stride = 1;
  for (int d = shape.rank() - 1, f = from.rank() - 1; f >= 0; --d, --f) {
    if (from[f] != 1) at += place % shape[d] * stride;
    stride *= from[f];
    place /= shape[d];
  }
  return values[at];
}

struct Shapes {
  Shape a, b, out;
  bool differentiable = true;
};

const std::vector<Shapes> shapes = {{{}, {}, {}},
                                    {{1}, {1}, {1}},
                                    {{7}, {7}, {7}},
                                    {{3, 5}, {5}, {3, 5}},
                                    {{5}, {3, 5}, {3, 5}},
                                    {{3, 1}, {1, 4}, {3, 4}},
                                    {{2, 3, 4}, {}, {2, 3, 4}},
                                    {{}, {2, 3}, {2, 3}},
                                    {{4, 1, 3}, {2, 1}, {4, 2, 3}},
                                    {{0, 3}, {3}, {0, 3}},
                                    {{301, 203}, {203}, {301, 203}, false},
                                    {{301, 1}, {203}, {301, 203}, false},
                                    {{70001}, {}, {70001}, false}};

template <class Op, class Reference>
std::vector<OpCase> cases(const Op& op, const Reference& reference) {
  std::vector<OpCase> result;
  for (const Shapes& s : shapes) {
    OpCase c;
    c.name = s.a.to_string() + " and " + s.b.to_string();
    // b is away from 0, for quotients.
    c.inputs = {random_tensor(s.a), random_uniform(s.b, 0.5, 2)};
    c.op = [=](const Tensors& x) { return op(x[0], x[1]); };
    c.reference = [=](const Tensors& x) {
      const Values a = x[0].to_vector(), b = x[1].to_vector();
      Values y(s.out.numel());
      for (std::size_t i = 0; i < y.size(); ++i) {
        y[i] =
            reference(broadcast(a, s.a, s.out, i), broadcast(b, s.b, s.out, i));
      }
      return y;
    };
    c.differentiable = s.differentiable;
    result.push_back(c);
  }
  return result;
}

template <class Op, class Reference>
std::vector<OpCase> scalar_cases(const Op& op, const Reference& reference) {
  std::vector<OpCase> result;
  for (const Shape& shape :
       {Shape{}, {1}, {9}, {3, 5}, {2, 1, 4}, {0}, {7, 9001}}) {
    OpCase c;
    c.name = shape.to_string();
    c.inputs = {random_uniform(shape, 0.5, 2)};
    c.op = [=](const Tensors& x) { return op(x[0]); };
    c.reference = [=](const Tensors& x) {
      Values y = x[0].to_vector();
      for (double& v : y) v = reference(v);
      return y;
    };
    c.differentiable = shape.numel() < 1000;
    result.push_back(c);
  }
  return result;
}

TEST(Add, Battery) {
  battery("add", cases([](const Tensor& a, const Tensor& b) { return a + b; },
                       [](double x, double y) { return x + y; }));
  battery("add", scalar_cases([](const Tensor& a) { return a + 0.7; },
                              [](double x) { return x + 0.7; }));
  battery("add", scalar_cases([](const Tensor& a) { return 0.7 + a; },
                              [](double x) { return x + 0.7; }));
}

TEST(Sub, Battery) {
  battery("sub", cases([](const Tensor& a, const Tensor& b) { return a - b; },
                       [](double x, double y) { return x - y; }));
  battery("sub", scalar_cases([](const Tensor& a) { return a - 0.7; },
                              [](double x) { return x - 0.7; }));
  battery("sub", scalar_cases([](const Tensor& a) { return 3.0 - a; },
                              [](double x) { return 3.0 - x; }));
}

TEST(Mul, Battery) {
  battery("mul", cases([](const Tensor& a, const Tensor& b) { return a * b; },
                       [](double x, double y) { return x * y; }));
  battery("mul", scalar_cases([](const Tensor& a) { return a * -1.3; },
                              [](double x) { return x * -1.3; }));
  battery("mul", scalar_cases([](const Tensor& a) { return 1.0 * a; },
                              [](double x) { return x; }));
}

TEST(Div, Battery) {
  battery("div", cases([](const Tensor& a, const Tensor& b) { return a / b; },
                       [](double x, double y) { return x / y; }));
  battery("div", scalar_cases([](const Tensor& a) { return a / 1.3; },
                              [](double x) { return x / 1.3; }));
  battery("div", scalar_cases([](const Tensor& a) { return 1.3 / a; },
                              [](double x) { return 1.3 / x; }));
}

TEST(Neg, Battery) {
  battery("neg", scalar_cases([](const Tensor& a) { return -a; },
                              [](double x) { return -x; }));
}

TEST(Arithmetic, OneTensorAsBothOperands) {
  Tensor a = from_values({2, 3}, {2});
  a.set_requires_grad();
  sum(a * a + a / a - (a - a)).backward();
  EXPECT_EQ(a.grad().to_vector(), (Values{4, 6}));
}

TEST(Arithmetic, ComputesNoGradientThatNobodyWants) {
  Tensor a = from_values({2, 3}, {2});
  const Tensor b = from_values({4, 5}, {2});
  a.set_requires_grad();
  const Tensor y = a * b;
  EXPECT_EQ(y.node()->saved_bytes(), 8) << "only b is needed";
  EXPECT_EQ((a / b).node()->saved_bytes(), 8) << "only b is needed";
  EXPECT_EQ((b / a).node()->saved_bytes(), 16) << "a and the quotient";
  EXPECT_EQ((a + b).node()->saved_bytes(), 0);
  sum(y).backward();
  EXPECT_EQ(a.grad().to_vector(), (Values{4, 5}));
  EXPECT_FALSE(b.grad().defined());
}

TEST(Arithmetic, SecondDerivativesOfAQuotient) {
  const TensorOptions wide{DType::float64, {}};
  Tensor a = from_values({2, -3}, {2}, wide), b = from_values({4}, {1}, wide);
  a.set_requires_grad();
  b.set_requires_grad();
  const auto first = gradients(sum(a / b), {a, b}, {}, {.create_graph = true});
  EXPECT_EQ(first[0].to_vector(), (Values{0.25, 0.25}));
  EXPECT_EQ(first[1].to_vector(), (Values{1.0 / 16}));  // -(2 - 3) / b^2
  const auto second = gradients(first[1], {a, b});
  EXPECT_EQ(second[0].to_vector(), (Values{-1.0 / 16, -1.0 / 16}));
  EXPECT_EQ(second[1].to_vector(), (Values{-2.0 / 64}));  // 2 (2 - 3) / b^3
}

TEST(Arithmetic, ErrorsNameOperationAndShapes) {
  const Tensor a = zeros({2, 3}), b = zeros({2}),
               wide = zeros({2, 3}, {DType::float64, {}}),
               n = zeros({2, 3}, {DType::int64, {}});
  expect_error([&] { add(a, b); }, {"add", "(2, 3)", "(2)"});
  expect_error([&] { sub(a, b); }, {"sub", "(2, 3)", "(2)"});
  expect_error([&] { mul(a, b); }, {"mul", "(2, 3)", "(2)"});
  expect_error([&] { div(a, b); }, {"div", "(2, 3)", "(2)"});
  expect_error([&] { add(a, wide); }, {"add", "float32", "float64"});
  expect_error([&] { sub(a, wide); }, {"sub", "float32", "float64"});
  expect_error([&] { mul(a, n); }, {"mul", "float32", "int64"});
  expect_error([&] { div(n, n); }, {"div", "int64", "(2, 3)"});
  expect_error([&] { add(n, 1); }, {"add", "int64", "(2, 3)"});
  expect_error([&] { mul(n, 2); }, {"mul", "int64", "(2, 3)"});
  expect_error([&] { sub(1, n); }, {"sub", "int64", "(2, 3)"});
  expect_error([&] { div(1, n); }, {"div", "int64", "(2, 3)"});
  expect_error([&] { neg(n); }, {"neg", "int64", "(2, 3)"});
}

}  // namespace
}  // namespace sigtape
