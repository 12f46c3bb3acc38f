#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/random.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

using Tensors = std::vector<Tensor>;
using Loss = Tensor (*)(const Tensor&, const Tensor&, Reduction);

const char* name_of(Reduction reduction) {
  switch (reduction) {
    case Reduction::mean:
      return "mean";
    case Reduction::sum:
      return "sum";
    default:
      return "none";
  }
}

std::vector<double> reduced(std::vector<double> losses, Reduction reduction,
                            double divisor) {
  if (reduction == Reduction::none) return losses;
  double sum = 0;
  for (const double loss : losses) sum += loss;
  return {reduction == Reduction::mean ? sum / divisor : sum};
}

// A loss of pairs, given by its formula for one pair.
std::vector<OpCase> pair_cases(
    const std::function<Tensor(const Tensor&, const Tensor&, Reduction)>& f,
    double (*formula)(double, double),
    const std::function<Tensor(const Shape&)>& b) {
  std::vector<OpCase> cases;
  const auto add = [&](const Shape& shape, Reduction reduction) {
    OpCase c{shape.to_string() + " " + name_of(reduction),
             {random_tensor(shape, 1), b(shape)},
             [=](const Tensors& in) { return f(in[0], in[1], reduction); },
             [=](const Tensors& in) {
               const auto x = in[0].to_vector(), t = in[1].to_vector();
               std::vector<double> losses;
               for (std::size_t i = 0; i < x.size(); ++i) {
                 losses.push_back(formula(x[i], t[i]));
               }
               return reduced(losses, reduction, x.size());
             }};
    c.differentiable = shape.numel() < 1000;
    cases.push_back(c);
  };
  for (const Reduction r : {Reduction::mean, Reduction::sum, Reduction::none}) {
    add({1}, r);
    add({3, 5}, r);
    add({2, 1, 9}, r);
    add({300, 301}, r);
  }
  add({0, 4}, Reduction::sum);
  add({0}, Reduction::none);
  return cases;
}

Tensor normal_target(const Shape& shape) { return random_tensor(shape, 2); }

void rejects_pairs(const std::string& op, Loss loss) {
  expect_error(
      [&] {
        loss(ones({2, 3}), ones({3, 2}), Reduction::mean);
      },
      {op, "(2, 3)", "(3, 2)"});
  expect_error([&] { loss(ones({2}), ones({1}), Reduction::mean); },
               {op, "(2)", "(1)"});
  expect_error(
      [&] {
        loss(ones({2}), ones({2}, {DType::float64, {}}), Reduction::sum);
      },
      {op, "float32", "float64"});
  const TensorOptions integer{DType::int64, {}};
  expect_error(
      [&] { loss(ones({2}, integer), ones({2}, integer), Reduction::sum); },
      {op, "int64"});
}

TEST(MseLoss, Battery) {
  battery("mse_loss",
          pair_cases(
              mse_loss, [](double x, double t) { return (x - t) * (x - t); },
              normal_target));
  rejects_pairs("mse_loss", mse_loss);
}

// More than one thread sums.
TEST(MseLoss, OfManyErrorsIsTheSameOnAnyNumberOfThreads) {
  const int before = num_threads();
  for (const std::int64_t count : {40'003, 1'500'000}) {
    manual_seed(5);
    Tensor x = randn({count});
    const Tensor t = randn({count});
    const std::vector<double> xs = x.to_vector(), ts = t.to_vector();
    double expected = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      expected += (xs[i] - ts[i]) * (xs[i] - ts[i]) / count;
    }
    x.set_requires_grad();
    std::vector<double> losses;
    std::vector<std::vector<double>> slopes;
    for (const int threads : {1, 2, 7}) {
      set_num_threads(threads);
      x.clear_grad();
      const Tensor loss = mse_loss(x, t);
      loss.backward();
      losses.push_back(loss.item());
      slopes.push_back(x.grad().to_vector());
      EXPECT_EQ(losses.back(), losses.front());
      EXPECT_EQ(slopes.back(), slopes.front());
    }
    EXPECT_NEAR(losses.front(), expected, 1e-6 * expected);
    for (const std::int64_t i : {std::int64_t{0}, count / 2, count - 1}) {
      EXPECT_NEAR(slopes.front()[i] * count, 2 * (xs[i] - ts[i]), 1e-5);
    }
  }
  set_num_threads(before);
}

TEST(MaeLoss, Battery) {
  battery("mae_loss",
          pair_cases(
              mae_loss, [](double x, double t) { return std::abs(x - t); },
              normal_target));
  rejects_pairs("mae_loss", mae_loss);
}

TEST(HuberLoss, Battery) {
  battery("huber_loss",
          pair_cases([](const Tensor& x, const Tensor& t,
                        Reduction r) { return huber_loss(x, t, 0.7, r); },
                     [](double x, double t) {
                       const double e = std::abs(x - t), delta = 0.7;
                       return e <= delta ? e * e / 2 : delta * (e - delta / 2);
                     },
                     normal_target));
  rejects_pairs("huber_loss",
                [](const Tensor& x, const Tensor& t, Reduction r) {
                  return huber_loss(x, t, 1, r);
                });
  expect_error([] { huber_loss(ones({2}), ones({2}), 0); },
               {"huber_loss", "delta", "0"});
}

TEST(HuberLoss, IsPreciseForSmallErrors) {
  const TensorOptions f64{DType::float64, {}};
  const Tensor x = full({1}, 1e-12, f64).set_requires_grad();
  const Tensor loss = huber_loss(x, zeros({1}, f64));
  EXPECT_NEAR(loss.item() / 5e-25, 1, 1e-12);
  loss.backward();
  EXPECT_NEAR(x.grad().item() / 1e-12, 1, 1e-12);
}

double log_sigmoid(double x) {
  return x > 0 ? -std::log1p(std::exp(-x)) : x - std::log1p(std::exp(x));
}

double bce_formula(double x, double t) {
  return -(t * log_sigmoid(x) + (1 - t) * log_sigmoid(-x));
}

// The targets want no gradient: they stand in the closure.
TEST(BinaryCrossEntropyWithLogits, Battery) {
  std::vector<OpCase> cases;
  for (OpCase c :
       pair_cases(binary_cross_entropy_with_logits, bce_formula,
                  [](const Shape& s) { return random_uniform(s, 0, 1, 2); })) {
    const Tensor target = c.inputs[1];
    c.inputs.pop_back();
    c.op = [op = c.op, target](const Tensors& in) {
      return op({in[0], cast(target, in[0].dtype()).to(in[0].device())});
    };
    c.reference = [reference = c.reference, target](const Tensors& in) {
      return reference({in[0], target});
    };
    cases.push_back(c);
  }
  battery("binary_cross_entropy_with_logits", cases);
  rejects_pairs("binary_cross_entropy_with_logits",
                binary_cross_entropy_with_logits);
}

TEST(BinaryCrossEntropyWithLogits, OfLargeLogits) {
  const TensorOptions f64{DType::float64, {}};
  const Tensor x =
      from_values({1000, -1000, 60, 0}, {4}, f64).set_requires_grad();
  const Tensor t = from_values({0, 1, 1, 1}, {4}, f64);
  const Tensor loss = binary_cross_entropy_with_logits(x, t, Reduction::none);
  const auto values = loss.to_vector();
  EXPECT_EQ(values[0], 1000);
  EXPECT_EQ(values[1], 1000);
  EXPECT_NEAR(values[2] / std::exp(-60.0), 1, 1e-12);
  EXPECT_NEAR(values[3], std::log(2.0), 1e-15);
  sum(loss).backward();
  const auto gradient = x.grad().to_vector();
  EXPECT_EQ(gradient[0], 1);
  EXPECT_EQ(gradient[1], -1);
  EXPECT_EQ(gradient[3], -0.5);
}

TEST(BinaryCrossEntropyWithLogits, RejectsTargetsOutside) {
  expect_error(
      [] {
        binary_cross_entropy_with_logits(ones({2}), from_values({1, 1.5}, {2}));
      },
      {"binary_cross_entropy_with_logits", "1.5", "[0, 1]"});
}

// ---- Cross entropy

struct Use {
  std::int64_t batch, classes;
  bool weighted = false;
  double smoothing = 0;
};

Tensor some_targets(const Use& use) {
  std::vector<std::int64_t> targets(use.batch);
  for (std::int64_t i = 0; i < use.batch; ++i) {
    targets[i] = (7 * i + 3) % use.classes;
  }
  return from_indices(targets);
}

// As PyTorch defines it: with q the smoothed target distribution, row i is
// -sum_c w_c q_c log p_c; the mean divides by the sum of w[target].
std::vector<double> cross_entropy_formula(const Use& use,
                                          const std::vector<double>& x,
                                          const std::vector<double>& targets,
                                          const std::vector<double>& w,
                                          Reduction reduction) {
  std::vector<double> losses;
  double divisor = 0;
  for (std::int64_t i = 0; i < use.batch; ++i) {
    double sum = 0, loss = 0;
    const double* row = x.data() + i * use.classes;
    for (std::int64_t c = 0; c < use.classes; ++c) sum += std::exp(row[c]);
    for (std::int64_t c = 0; c < use.classes; ++c) {
      const double q = use.smoothing / use.classes +
                       (c == targets[i] ? 1 - use.smoothing : 0);
      loss -= w[c] * q * std::log(std::exp(row[c]) / sum);
    }
    losses.push_back(loss);
    divisor += w[static_cast<std::size_t>(targets[i])];
  }
  return reduced(losses, reduction, divisor);
}

OpCase of(const Use& use, Reduction reduction) {
  const Tensor weights = use.weighted
                             ? random_uniform({use.classes}, 0.2, 2, 4)
                             : ones({use.classes}, {DType::float64, {}});
  OpCase c{std::to_string(use.batch) + " x " + std::to_string(use.classes) +
               (use.weighted ? " weighted " : " ") + name_of(reduction),
           {random_tensor({use.batch, use.classes}, 1), some_targets(use)},
           [=](const Tensors& in) {
             CrossEntropyOptions options;
             if (use.weighted) {
               options.class_weights =
                   cast(weights, in[0].dtype()).to(in[0].device());
             }
             options.label_smoothing = use.smoothing;
             options.reduction = reduction;
             return cross_entropy(in[0], in[1], options);
           },
           [=](const Tensors& in) {
             return cross_entropy_formula(use, in[0].to_vector(),
                                          in[1].to_vector(),
                                          weights.to_vector(), reduction);
           }};
  c.differentiable = use.batch < 100;
  return c;
}

TEST(CrossEntropy, Battery) {
  std::vector<OpCase> cases;
  for (const Reduction r : {Reduction::mean, Reduction::sum, Reduction::none}) {
    for (const bool weighted : {false, true}) {
      for (const double smoothing : {0.0, 0.3}) {
        cases.push_back(of({1, 1, weighted, smoothing}, r));
        cases.push_back(of({3, 2, weighted, smoothing}, r));
        cases.push_back(of({4, 9, weighted, smoothing}, r));
      }
    }
    cases.push_back(of({5000, 17, true, 0.1}, r));
  }
  cases.push_back(of({0, 3}, Reduction::sum));
  cases.push_back(of({0, 3}, Reduction::none));
  battery("cross_entropy", cases);
}

// Values that PyTorch's documentation of the formula gives by hand: weights
// (1, 3), logits 0, targets 0, 1, 1: every -log p is log 2.
TEST(CrossEntropy, MeanIsWeighted) {
  const std::vector<std::int64_t> targets = {0, 1, 1};
  CrossEntropyOptions options;
  options.class_weights = from_values({1, 3}, {2});
  const Tensor x = zeros({3, 2});
  EXPECT_NEAR(cross_entropy(x, from_indices(targets), options).item(),
              std::log(2.0), 1e-6);
  options.reduction = Reduction::sum;
  EXPECT_NEAR(cross_entropy(x, from_indices(targets), options).item(),
              7 * std::log(2.0), 1e-5);
}

TEST(CrossEntropy, OfLargeLogits) {
  const std::vector<std::int64_t> targets = {0, 0};
  const TensorOptions f64{DType::float64, {}};
  const Tensor x =
      from_values({1000, 0, -1000, 1000}, {2, 2}, f64).set_requires_grad();
  CrossEntropyOptions options;
  options.reduction = Reduction::sum;
  const Tensor loss = cross_entropy(x, from_indices(targets), options);
  EXPECT_EQ(loss.item(), 2000);
  loss.backward();
  EXPECT_EQ(x.grad().to_vector(), (std::vector<double>{0, 0, -1, 1}));
}

TEST(CrossEntropy, RejectsTargetsOutOfRange) {
  for (const std::int64_t wrong : {-1, 3, 1000}) {
    const std::vector<std::int64_t> targets = {0, 2, wrong};
    expect_error(
        [&] {
          cross_entropy(ones({3, 3}), from_indices(targets));
        },
        {"cross_entropy", "target 2 is " + std::to_string(wrong), "3 classes"});
  }
}

TEST(CrossEntropy, RejectsWhatDoesNotFit) {
  const Tensor target = zeros({2}, {DType::int64, {}});
  expect_error([&] { cross_entropy(ones({2}), target); },
               {"cross_entropy", "(batch, classes)", "(2)"});
  expect_error(
      [&] {
        cross_entropy(ones({3, 4}), target);
      },
      {"cross_entropy", "(3)", "(2)"});
  expect_error(
      [&] {
        cross_entropy(ones({2, 4}), ones({2}));
      },
      {"cross_entropy", "int64", "float32"});
  expect_error(
      [&] {
        cross_entropy(ones({2, 4}), target, {ones({3})});
      },
      {"cross_entropy", "class_weights", "(3)"});
  for (const double smoothing : {-0.1, 1.0}) {
    expect_error(
        [&] {
          cross_entropy(ones({2, 4}), target, {{}, smoothing});
        },
        {"cross_entropy", "label_smoothing"});
  }
}

}  // namespace
}  // namespace sigtape::test
