#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape {
namespace {

using namespace test;
using Tensors = std::vector<Tensor>;

// Cases of a function of one argument for values in [low, high), of shapes
// from a scalar to one that several threads share.
template <class Op, class Reference>
std::vector<OpCase> cases(const Op& op, const Reference& reference, double low,
                          double high) {
  std::vector<OpCase> result;
  for (const Shape& shape : {Shape{},
                             {1},
                             {7},
                             {3, 5},
                             {2, 3, 4},
                             {2, 1, 3, 2},
                             {0, 3},
                             {17, 4099}}) {
    OpCase c;
    c.name = shape.to_string();
    c.inputs = {random_uniform(shape, low, high)};
    c.op = [=](const Tensors& x) { return op(x[0]); };
    c.reference = [=](const Tensors& x) {
      std::vector<double> y = x[0].to_vector();
      for (double& v : y) v = static_cast<double>(reference(v));
      return y;
    };
    c.differentiable = shape.numel() < 1000;
    result.push_back(c);
  }
  return result;
}

// The references compute in long double, the library in double.
using Wide = long double;

TEST(Exp, Battery) {
  battery("exp", cases([](const Tensor& a) { return exp(a); },
                       [](Wide x) { return std::exp(x); }, -3, 3));
}

TEST(Log, Battery) {
  battery("log", cases([](const Tensor& a) { return log(a); },
                       [](Wide x) { return std::log(x); }, 0.2, 4));
}

TEST(Sqrt, Battery) {
  battery("sqrt", cases([](const Tensor& a) { return sqrt(a); },
                        [](Wide x) { return std::sqrt(x); }, 0.2, 4));
}

TEST(Abs, Battery) {
  const auto op = [](const Tensor& a) { return abs(a); };
  battery("abs", cases(
                     op, [](Wide x) { return x < 0 ? -x : x; }, -4, -0.1));
  battery("abs", cases(
                     op, [](Wide x) { return x; }, 0.1, 4));
}

TEST(PowOfNumber, Battery) {
  for (const double e : {2.0, 3.0, 1.0, 0.0, -1.0, 0.5, -1.7}) {
    battery("pow",
            cases([e](const Tensor& a) { return pow(a, e); },
                  [e](Wide x) { return std::exp(e * std::log(x)); }, 0.3, 2));
  }
}

TEST(Relu, Battery) {
  const auto op = [](const Tensor& a) { return relu(a); };
  battery("relu", cases(
                      op, [](Wide) { return 0; }, -3, -0.1));
  battery("relu", cases(
                      op, [](Wide x) { return x; }, 0.1, 3));
}

TEST(LeakyRelu, Battery) {
  const auto op = [](const Tensor& a) { return leaky_relu(a); };
  battery("leaky_relu", cases(
                            op, [](Wide x) { return x / 100; }, -3, -0.1));
  battery("leaky_relu", cases(
                            op, [](Wide x) { return x; }, 0.1, 3));
  battery("leaky_relu",
          cases([](const Tensor& a) { return leaky_relu(a, 0.3); },
                [](Wide x) { return 0.3 * x; }, -3, -0.1));
}

TEST(Tanh, Battery) {
  battery("tanh", cases([](const Tensor& a) { return tanh(a); },
                        [](Wide x) {
                          const Wide p = std::exp(x), q = std::exp(-x);
                          return (p - q) / (p + q);
                        },
                        -2, 2));
}

TEST(Sigmoid, Battery) {
  battery("sigmoid",
          cases([](const Tensor& a) { return sigmoid(a); },
                [](Wide x) { return (1 + std::tanh(x / 2)) / 2; }, -4, 4));
}

TEST(Gelu, Battery) {
  battery("gelu", cases([](const Tensor& a) { return gelu(a); },
                        [](Wide x) {
                          const Wide root = std::sqrt(Wide{2});
                          return x * (1 + std::erf(x / root)) / 2;
                        },
                        -3, 3));
}

TEST(Softplus, Battery) {
  battery("softplus",
          cases([](const Tensor& a) { return softplus(a); },
                [](Wide x) { return std::log(1 + std::exp(x)); }, -4, 4));
}

// a^b with both operands broadcast.
TEST(PowOfTensor, Battery) {
  std::vector<OpCase> cases;
  const auto add = [&](const Shape& a, const Shape& b, bool differentiable) {
    OpCase c;
    c.name = a.to_string() + " ^ " + b.to_string();
    c.inputs = {random_uniform(a, 0.4, 2), random_uniform(b, -2, 2, 9)};
    c.op = [](const Tensors& x) { return pow(x[0], x[1]); };
    c.reference = [=](const Tensors& x) {
      const Shape shape = broadcast_shapes("pow", a, b);
      const auto p = expand(x[0], shape).to_vector();
      const auto q = expand(x[1], shape).to_vector();
      std::vector<double> y;
      for (std::size_t i = 0; i < p.size(); ++i) {
        y.push_back(static_cast<double>(std::exp(q[i] * std::log(Wide{p[i]}))));
      }
      return y;
    };
    c.differentiable = differentiable;
    cases.push_back(c);
  };
  add({}, {}, true);
  add({1}, {5}, true);
  add({3, 1}, {4}, true);
  add({2, 3}, {}, true);
  add({3}, {2, 1, 3}, true);
  add({300, 200}, {200}, false);
  battery("pow", cases);
}

std::vector<double> gradient(const std::function<Tensor(const Tensor&)>& f,
                             std::initializer_list<double> at) {
  Tensor x = from_values(at, {static_cast<std::int64_t>(at.size())},
                         {DType::float64, {}});
  x.set_requires_grad();
  sum(f(x)).backward();
  return x.grad().to_vector();
}

using Values = std::vector<double>;

TEST(Elementwise, DerivativesAtKinks) {
  EXPECT_EQ(gradient([](const Tensor& x) { return abs(x); }, {-2, 0, 3}),
            (Values{-1, 0, 1}));
  EXPECT_EQ(gradient([](const Tensor& x) { return relu(x); }, {-2, 0, 3}),
            (Values{0, 0, 1}));
  EXPECT_EQ(
      gradient([](const Tensor& x) { return leaky_relu(x, 0.5); }, {-2, 0, 3}),
      (Values{0.5, 0.5, 1}));
  EXPECT_EQ(gradient([](const Tensor& x) { return pow(x, 0.0); }, {0, 2}),
            (Values{0, 0}));
  EXPECT_EQ(gradient([](const Tensor& x) { return pow(x, 2.0); }, {0, 2}),
            (Values{0, 4}));
}

TEST(Elementwise, PowerOfTensorsAtZero) {
  const TensorOptions wide{DType::float64, {}};
  Tensor a = from_values({0, 0, 0, 3}, {4}, wide);
  Tensor b = from_values({0, 1, 2, 0}, {4}, wide);
  a.set_requires_grad();
  b.set_requires_grad();
  const Tensor y = pow(a, b);
  EXPECT_EQ(y.to_vector(), (Values{1, 0, 0, 1}));
  sum(y).backward();
  EXPECT_EQ(a.grad().to_vector(), (Values{0, 1, 0, 0}));
  EXPECT_EQ(b.grad().to_vector(), (Values{0, 0, 0, std::log(3.0)}));
}

TEST(Elementwise, NoOverflow) {
  const Tensor x = from_values({-1000, 1000}, {2});
  EXPECT_EQ(softplus(x).to_vector(), (Values{0, 1000}));
  EXPECT_EQ(sigmoid(x).to_vector(), (Values{0, 1}));
  EXPECT_EQ(tanh(x).to_vector(), (Values{-1, 1}));
  EXPECT_EQ(gelu(x).to_vector(), (Values{0, 1000}));
}

// Of single precision, over the whole range of each function.
void check_accuracy(const char* name,
                    const std::function<Tensor(const Tensor&)>& f,
                    double (*expected)(double), double low, double high) {
  const Tensor x = linspace(low, high, 60001);
  const Values y = f(x).to_vector(), values = x.to_vector();
  double worst = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double exact = expected(values[i]);
    if (std::abs(exact) < 1.2e-38) continue;
    worst = std::max(worst, std::abs(y[i] / exact - 1));
  }
  EXPECT_LE(worst, 3e-7) << name;
}

TEST(Elementwise, FloatFunctionsAreAccurateWithEveryInstructionSet) {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    SCOPED_TRACE(isa_name(isa));
    const ScopedIsa forced(isa);
    const auto exp_of = [](const Tensor& x) { return exp(x); };
    const auto tanh_of = [](const Tensor& x) { return tanh(x); };
    const auto sigmoid_of = [](const Tensor& x) { return sigmoid(x); };
    const auto logistic = [](double x) { return 1 / (1 + std::exp(-x)); };
    check_accuracy("exp", exp_of, std::exp, -87.3, 88.7);
    check_accuracy("exp", exp_of, std::exp, -0.5, 0.5);
    check_accuracy("tanh", tanh_of, std::tanh, -12, 12);
    check_accuracy("tanh", tanh_of, std::tanh, -1, 1);
    check_accuracy("tanh", tanh_of, std::tanh, -1e-6, 1e-6);
    check_accuracy("sigmoid", sigmoid_of, logistic, -87, 20);
    const double inf = std::numeric_limits<double>::infinity();
    const Tensor ends = from_values({-inf, -200, 200, inf, 0}, {5});
    EXPECT_EQ(exp(ends).to_vector(), (Values{0, 0, inf, inf, 1}));
    EXPECT_EQ(tanh(ends).to_vector(), (Values{-1, -1, 1, 1, 0}));
    EXPECT_EQ(sigmoid(ends).to_vector(), (Values{0, 0, 1, 1, 0.5}));
  }
}

TEST(Elementwise, NaNStaysNaN) {
  const Tensor x = full({3}, std::numeric_limits<double>::quiet_NaN());
  for (const Tensor& y : {relu(x), leaky_relu(x), tanh(x), gelu(x), abs(x),
                          exp(x), softplus(x), sigmoid(x)}) {
    for (const double v : y.to_vector()) EXPECT_TRUE(std::isnan(v));
  }
}

// The second derivative of f in closed form, at points of [low, high).
void check_second(const char* name,
                  const std::function<Tensor(const Tensor&)>& f,
                  const std::function<double(double)>& expected, double low,
                  double high) {
  Tensor x = random_uniform({13}, low, high, 4);
  x.set_requires_grad();
  const Tensor first =
      gradients(sum(f(x)), {x}, {}, {.create_graph = true}).at(0);
  const Tensor second = gradients(sum(first), {x}).at(0);
  Values values = x.to_vector();
  for (double& v : values) v = expected(v);
  EXPECT_LE(relative_error(second.to_vector(), values), 1e-12) << name;
}

TEST(SecondDerivative, MatchesClosedForms) {
  check_second(
      "exp", [](const Tensor& x) { return exp(2 * x); },
      [](double x) { return 4 * std::exp(2 * x); }, -1, 1);
  check_second(
      "log", [](const Tensor& x) { return log(x); },
      [](double x) { return -1 / (x * x); }, 0.5, 2);
  check_second(
      "sqrt", [](const Tensor& x) { return sqrt(x); },
      [](double x) { return -0.25 * std::pow(x, -1.5); }, 0.5, 2);
  check_second(
      "tanh", [](const Tensor& x) { return tanh(x); },
      [](double x) {
        const double t = std::tanh(x);
        return -2 * t * (1 - t * t);
      },
      -2, 2);
  check_second(
      "sigmoid", [](const Tensor& x) { return sigmoid(x); },
      [](double x) {
        const double s = 1 / (1 + std::exp(-x));
        return s * (1 - s) * (1 - 2 * s);
      },
      -2, 2);
  check_second(
      "softplus", [](const Tensor& x) { return softplus(x); },
      [](double x) {
        const double s = 1 / (1 + std::exp(-x));
        return s * (1 - s);
      },
      -2, 2);
  check_second(
      "gelu", [](const Tensor& x) { return gelu(x); },
      [](double x) {
        return (2 - x * x) * std::exp(-x * x / 2) /
               std::sqrt(2 * std::numbers::pi);
      },
      -2, 2);
  check_second(
      "pow", [](const Tensor& x) { return pow(x, 3.0); },
      [](double x) { return 6 * x; }, -2, 2);
  check_second(
      "x^x", [](const Tensor& x) { return pow(x, x); },
      [](double x) {
        const double l = std::log(x) + 1;
        return std::pow(x, x) * (l * l + 1 / x);
      },
      0.5, 2);
  check_second(
      "1 / (1 + x^2)", [](const Tensor& x) { return 1.0 / (1.0 + x * x); },
      [](double x) { return (6 * x * x - 2) / std::pow(1 + x * x, 3); }, -2, 2);
  check_second(
      "relu(x)^3", [](const Tensor& x) { return pow(relu(x), 3.0); },
      [](double x) { return x > 0 ? 6 * x : 0; }, -2, 2);
  check_second(
      "leaky_relu(x)^2",
      [](const Tensor& x) { return pow(leaky_relu(x, 0.5), 2.0); },
      [](double x) { return x > 0 ? 2 : 0.5; }, -2, 2);
  check_second(
      "|x|^3", [](const Tensor& x) { return pow(abs(x), 3.0); },
      [](double x) { return 6 * std::abs(x); }, -2, 2);
}

TEST(SecondDerivative, ThirdDerivativeOfTanh) {
  Tensor x = random_uniform({5}, -1, 1);
  x.set_requires_grad();
  Tensor y = tanh(x);
  for (int i = 0; i < 3; ++i) {
    y = gradients(sum(y), {x}, {}, {.create_graph = true}).at(0);
  }
  Values expected = x.to_vector();
  for (double& v : expected) {
    const double t = std::tanh(v), s = 1 - t * t;
    v = s * (6 * t * t - 2);
  }
  EXPECT_LE(relative_error(y.to_vector(), expected), 1e-12);
}

TEST(Elementwise, ErrorsNameOperationAndShapes) {
  const Tensor n = zeros({2, 3}, {DType::int64, {}});
  expect_error([&] { exp(n); }, {"exp", "int64", "(2, 3)"});
  expect_error([&] { log(n); }, {"log", "int64", "(2, 3)"});
  expect_error([&] { sqrt(n); }, {"sqrt", "int64", "(2, 3)"});
  expect_error([&] { abs(n); }, {"abs", "int64", "(2, 3)"});
  expect_error([&] { pow(n, 2.0); }, {"pow", "int64", "(2, 3)"});
  expect_error([&] { relu(n); }, {"relu", "int64", "(2, 3)"});
  expect_error([&] { leaky_relu(n); }, {"leaky_relu", "int64", "(2, 3)"});
  expect_error([&] { tanh(n); }, {"tanh", "int64", "(2, 3)"});
  expect_error([&] { sigmoid(n); }, {"sigmoid", "int64", "(2, 3)"});
  expect_error([&] { gelu(n); }, {"gelu", "int64", "(2, 3)"});
  expect_error([&] { softplus(n); }, {"softplus", "int64", "(2, 3)"});
  expect_error([&] { pow(zeros({2}), zeros({3})); }, {"pow", "(2)", "(3)"});
  expect_error(
      [&] {
        pow(zeros({2}), zeros({2}, {DType::float64, {}}));
      },
      {"pow", "types", "(2)"});
}

}  // namespace
}  // namespace sigtape
