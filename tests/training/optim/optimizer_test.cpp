// Optimisers against the formulas of PyTorch's documentation, written out
// here one weight at a time in double.
#include "sigtape/training/optim/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/simd/isa.h"
#include "support/battery.h"

namespace sigtape {
namespace {

constexpr std::int64_t steps = 7;

// Weights w and the gradients of step t, not constant in t.
std::vector<double> first_weights() { return {1.5, -0.7, 0.02, -3, 0.4}; }
double gradient_at(std::int64_t t, std::size_t i) {
  const double s = static_cast<double>(t + 1) * static_cast<double>(i + 2);
  return std::sin(s) * (i == 2 ? 1e-6 : 1) + 0.1 * static_cast<double>(i);
}

using Gradients = std::vector<double>;
using MakeOptimizer =
    std::function<std::unique_ptr<Optimizer>(std::vector<NamedTensor>)>;

// The weights after some steps, the learning rate falling by 1 % in each.
// They stand in two tensors.
std::vector<double> run(const MakeOptimizer& make, double lr, DType type,
                        const ClipOptions& clip = {}) {
  const std::vector<double> w = first_weights();
  Tensor a = from_values(std::span(w).first(2), {2}, {type, {}});
  Tensor b = from_values(std::span(w).last(3), {3, 1}, {type, {}});
  a.set_requires_grad();
  b.set_requires_grad();
  const auto optimizer = make({{"a", a}, {"b", b}});
  for (std::int64_t t = 0; t < steps; ++t) {
    Gradients g;
    for (std::size_t i = 0; i < w.size(); ++i) g.push_back(gradient_at(t, i));
    a.set_grad(from_values(std::span(g).first(2), {2}, {type, {}}));
    b.set_grad(from_values(std::span(g).last(3), {3, 1}, {type, {}}));
    optimizer->step(lr * std::pow(0.99, static_cast<double>(t)), clip);
  }
  EXPECT_EQ(optimizer->steps(), steps);
  std::vector<double> all = a.to_vector();
  for (const double x : b.to_vector()) all.push_back(x);
  return all;
}

// The same steps by `update`(t, lr, w, g, m, v), which changes w, m and v.
template <class Update>
std::vector<double> by_formula(
    double lr, const Update& update,
    const std::function<void(Gradients&)>& clip = [](Gradients&) {}) {
  std::vector<double> w = first_weights(), m(w.size()), v(w.size());
  for (std::int64_t t = 0; t < steps; ++t) {
    Gradients g;
    for (std::size_t i = 0; i < w.size(); ++i) g.push_back(gradient_at(t, i));
    clip(g);
    for (std::size_t i = 0; i < w.size(); ++i) {
      update(static_cast<double>(t + 1),
             lr * std::pow(0.99, static_cast<double>(t)), w[i], g[i], m[i],
             v[i]);
    }
  }
  return w;
}

void expect_formula(const MakeOptimizer& make, double lr,
                    const std::vector<double>& expected,
                    const ClipOptions& clip = {}) {
  EXPECT_LE(test::relative_error(run(make, lr, DType::float64, clip), expected),
            1e-14);
  EXPECT_LE(test::relative_error(run(make, lr, DType::float32, clip), expected),
            1e-5);
}

MakeOptimizer make_sgd(const SgdOptions& options) {
  return [=](std::vector<NamedTensor> p) { return sgd(std::move(p), options); };
}

MakeOptimizer make_adam(const AdamOptions& options) {
  return
      [=](std::vector<NamedTensor> p) { return adam(std::move(p), options); };
}

TEST(Sgd, Plain) {
  expect_formula(make_sgd({}), 0.3,
                 by_formula(0.3, [](double, double lr, double& w, double g,
                                    double&, double&) { w -= lr * g; }));
}

TEST(Sgd, WeightDecayAndMomentum) {
  const auto update = [](double t, double lr, double& w, double g, double& m,
                         double&) {
    g += 0.1 * w;
    m = t == 1 ? g : 0.9 * m + g;
    w -= lr * m;
  };
  expect_formula(make_sgd({.momentum = 0.9, .weight_decay = 0.1}), 0.05,
                 by_formula(0.05, update));
}

TEST(Sgd, Nesterov) {
  const auto update = [](double t, double lr, double& w, double g, double& m,
                         double&) {
    g += 0.01 * w;
    m = t == 1 ? g : 0.8 * m + g;
    w -= lr * (g + 0.8 * m);
  };
  expect_formula(
      make_sgd({.momentum = 0.8, .nesterov = true, .weight_decay = 0.01}), 0.05,
      by_formula(0.05, update));
}

TEST(Sgd, NesterovNeedsMomentum) {
  test::expect_error([] { sgd({}, {.nesterov = true}); },
                     {"nesterov", "momentum"});
}

// m and v corrected by 1 - beta^t; eps is added to the corrected root.
double adam_step(double t, double lr, double g, double& m, double& v,
                 double b1 = 0.9, double b2 = 0.999, double eps = 1e-8) {
  m = b1 * m + (1 - b1) * g;
  v = b2 * v + (1 - b2) * g * g;
  const double mean = m / (1 - std::pow(b1, t));
  const double square = v / (1 - std::pow(b2, t));
  return lr * mean / (std::sqrt(square) + eps);
}

TEST(Adam, BiasCorrection) {
  expect_formula(
      make_adam({}), 0.1,
      by_formula(0.1, [](double t, double lr, double& w, double g, double& m,
                         double& v) { w -= adam_step(t, lr, g, m, v); }));
}

TEST(Adam, FirstStepIsTheLearningRate) {
  Tensor w = from_values({1, 1, 1}, {3}, {DType::float64, {}});
  w.set_requires_grad();
  w.set_grad(from_values({1e-3, -7, 40}, {3}, {DType::float64, {}}));
  adam({{"w", w}}, {.eps = 0})->step(0.25);
  const std::vector<double> got = w.to_vector();
  EXPECT_NEAR(got[0], 0.75, 1e-12);
  EXPECT_NEAR(got[1], 1.25, 1e-12);
  EXPECT_NEAR(got[2], 0.75, 1e-12);
}

// Running means end at 0 under every instruction set, and weights stay.
TEST(Adam, MeansTooSmallToBeNormalBecomeZero) {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    const ScopedIsa forced(isa);
    Tensor w = ones({40});
    w.set_requires_grad();
    const auto optimizer = adam({{"w", w}}, {});
    const auto step = [&](float g) {
      w.set_grad(full({40}, g));
      optimizer->step(0.1);
    };
    step(2e-37f);
    const std::vector<NamedTensor> state = optimizer->state();
    for (const double m : state[0].tensor.to_vector()) EXPECT_GT(m, 0);
    for (const double v : state[1].tensor.to_vector()) EXPECT_EQ(v, 0);
    for (int t = 0; t < 6; ++t) step(0);
    for (const double m : state[0].tensor.to_vector()) EXPECT_EQ(m, 0);
    for (const double x : w.to_vector()) EXPECT_EQ(x, 1);
  }
}

// Where eps is 0, the first step is the learning rate for any gradient.
TEST(Adam, KeepsTheSmallestMeansWithoutEps) {
  Tensor w = ones({3});
  w.set_requires_grad();
  w.set_grad(full({3}, 1e-19f));
  adam({{"w", w}}, {.eps = 0})->step(0.25);
  for (const double x : w.to_vector()) EXPECT_NEAR(x, 0.75, 1e-3);
}

TEST(Adam, WeightDecayJoinsTheGradient) {
  const auto update = [](double t, double lr, double& w, double g, double& m,
                         double& v) {
    w -= adam_step(t, lr, g + 0.05 * w, m, v, 0.8, 0.95, 1e-3);
  };
  expect_formula(
      make_adam(
          {.beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3, .weight_decay = 0.05}),
      0.02, by_formula(0.02, update));
}

TEST(Adamw, WeightDecayIsDecoupled) {
  const auto update = [](double t, double lr, double& w, double g, double& m,
                         double& v) {
    w -= lr * 0.05 * w;
    w -= adam_step(t, lr, g, m, v);
  };
  expect_formula(make_adam({.weight_decay = 0.05, .decoupled = true}), 0.02,
                 by_formula(0.02, update));
}

void plain(double, double lr, double& w, double g, double&, double&) {
  w -= lr * g;
}

TEST(Clip, ByNormOfAllTensorsTogether) {
  const auto clip = [](Gradients& g) {
    double sum = 0;
    for (const double x : g) sum += x * x;
    const double scale = std::min(1.0, 0.8 / (std::sqrt(sum) + 1e-6));
    for (double& x : g) x *= scale;
  };
  expect_formula(make_sgd({}), 0.3, by_formula(0.3, plain, clip),
                 {.norm = 0.8});
}

TEST(Clip, ByNormLeavesSmallGradientsAlone) {
  expect_formula(make_sgd({}), 0.3, by_formula(0.3, plain), {.norm = 100});
}

TEST(Clip, ByValue) {
  const auto clip = [](Gradients& g) {
    for (double& x : g) x = std::clamp(x, -0.3, 0.3);
  };
  expect_formula(make_sgd({}), 0.3, by_formula(0.3, plain, clip),
                 {.value = 0.3});
}

TEST(Clip, ComesBeforeWeightDecay) {
  const auto clip = [](Gradients& g) {
    for (double& x : g) x = std::clamp(x, -0.3, 0.3);
  };
  const auto update = [](double, double lr, double& w, double g, double&,
                         double&) { w -= lr * (g + 0.5 * w); };
  expect_formula(make_sgd({.weight_decay = 0.5}), 0.3,
                 by_formula(0.3, update, clip), {.value = 0.3});
}

TEST(Optimizer, GradientNorm) {
  Tensor a = ones({2}, {DType::float64, {}}), b = ones({2, 2});
  Tensor c = ones({5});
  for (Tensor* t : {&a, &b, &c}) t->set_requires_grad();
  a.set_grad(from_values({3, -4}, {2}, {DType::float64, {}}));
  b.set_grad(full({2, 2}, 6));
  const auto optimizer = sgd({{"a", a}, {"b", b}, {"c", c}}, {});
  EXPECT_DOUBLE_EQ(optimizer->gradient_norm(), 13);
}

TEST(Optimizer, LeavesParametersWithoutGradientAlone) {
  Tensor a = ones({2}), b = ones({2});
  a.set_requires_grad();
  b.set_requires_grad();
  a.set_grad(ones({2}));
  const auto optimizer =
      adam({{"a", a}, {"b", b}}, {.weight_decay = 0.1, .decoupled = true});
  optimizer->step(0.1);
  EXPECT_NE(a.to_vector()[0], 1);
  EXPECT_EQ(b.to_vector(), (std::vector<double>{1, 1}));
}

TEST(Optimizer, TakesGradientsThatAreViews) {
  Tensor w = zeros({2, 3}, {DType::float64, {}});
  w.set_requires_grad();
  const Tensor g = from_values({1, 2, 3, 4, 5, 6}, {3, 2}, {DType::float64});
  w.set_grad(alias(g, {2, 3}, {1, 2}, 0));  // the transpose
  sgd({{"w", w}}, {})->step(1);
  EXPECT_EQ(w.to_vector(), (std::vector<double>{-1, -3, -5, -2, -4, -6}));
}

TEST(Optimizer, StateNamesEveryTensor) {
  Tensor a = ones({2}), b = ones({3, 4});
  const std::vector<NamedTensor> parameters = {{"x.a", a}, {"y.b", b}};
  EXPECT_TRUE(sgd(parameters, {})->state().empty());
  const auto momentum = sgd(parameters, {.momentum = 0.5})->state();
  ASSERT_EQ(momentum.size(), 2u);
  EXPECT_EQ(momentum[1].name, "y.b.momentum");
  EXPECT_EQ(momentum[1].tensor.shape(), b.shape());
  const auto moments = adam(parameters, {})->state();
  ASSERT_EQ(moments.size(), 4u);
  EXPECT_EQ(moments[0].name, "x.a.m");
  EXPECT_EQ(moments[3].name, "y.b.v");
}

}  // namespace
}  // namespace sigtape
