#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape {
namespace {

using namespace test;
using Tensors = std::vector<Tensor>;

// The groups of elements that are reduced to one, in the output's order: of
// each element, its place in the output has index 0 for the reduced axes.
std::vector<std::vector<double>> groups(const Tensor& a,
                                        const std::vector<int>& dims) {
  std::vector<bool> reduced(a.rank(), dims.empty());
  for (const int d : dims) reduced[d < 0 ? d + a.rank() : d] = true;
  std::int64_t count = 1;
  for (int d = 0; d < a.rank(); ++d) count *= reduced[d] ? 1 : a.size(d);
  std::vector<std::vector<double>> result(count);
  const std::vector<double> values = a.to_vector();
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::int64_t rest = i, place = 0, stride = 1;
    for (int d = a.rank() - 1; d >= 0; --d) {
      const std::int64_t index = rest % a.size(d);
      rest /= a.size(d);
      if (reduced[d]) continue;
      place += index * stride;
      stride *= a.size(d);
    }
    result[place].push_back(values[i]);
  }
  return result;
}

double total(const std::vector<double>& x) {
  long double sum = 0;
  for (const double v : x) sum += v;
  return static_cast<double>(sum);
}

struct Use {
  Shape shape;
  std::vector<int> dims;
  bool keepdim = false;
};

// Small uses, whose gradients are checked, and large ones, which run in
// several pieces and threads.
const std::vector<Use> small = {{{}, {}},
                                {{1}, {0}},
                                {{7}, {}},
                                {{7}, {-1}, true},
                                {{3, 5}, {}},
                                {{3, 5}, {0}},
                                {{3, 5}, {1}},
                                {{3, 5}, {-2}, true},
                                {{2, 3, 4}, {0, 1}},
                                {{2, 3, 4}, {0, 2}},
                                {{2, 3, 4}, {1, 2}, true},
                                {{2, 3, 4}, {1}},
                                {{2, 1, 4}, {1}},
                                {{2, 3, 2, 3}, {0, -2}, true},
                                {{2, 9, 1, 3}, {3, 1}}};
const std::vector<Use> large = {{{70001}, {}},       {{3, 40000}, {1}},
                                {{40000, 3}, {0}},   {{2, 20000, 3}, {1}},
                                {{3, 5, 7001}, {0}}, {{40, 50, 60}, {0, 2}},
                                {{20000, 5}, {1}}};

Shape shape_of(const std::vector<int>& dims) {
  Shape shape;
  for (const int d : dims) shape.push_back(d);
  return shape;
}

// Uses with more outputs, or tiles of 32 of them, than a GPU is given blocks.
const std::vector<Use> many = {{{4300, 17}, {1}}, {{4300, 17, 16}, {1}}};

template <class Op, class Reference>
std::vector<OpCase> cases(const Op& op, const Reference& reference,
                          bool with_many = false) {
  std::vector<OpCase> result;
  const auto add = [&](const Use& use, bool differentiable) {
    OpCase c;
    c.name = use.shape.to_string() + " over " + shape_of(use.dims).to_string();
    c.inputs = {random_tensor(use.shape, 3)};
    c.op = [=](const Tensors& x) {
      return op(x[0], shape_of(use.dims), use.keepdim);
    };
    c.reference = [=](const Tensors& x) {
      std::vector<double> expected;
      for (const auto& g : groups(x[0], use.dims)) {
        expected.push_back(reference(g));
      }
      return expected;
    };
    c.differentiable = differentiable;
    result.push_back(c);
  };
  for (const Use& use : small) add(use, true);
  for (const Use& use : large) add(use, false);
  if (with_many) {
    for (const Use& use : many) add(use, false);
  }
  return result;
}

TEST(Sum, Battery) {
  battery("sum", cases([](const Tensor& a, const Shape& dims,
                          bool keep) { return sum(a, dims, keep); },
                       total, true));
}

TEST(Mean, Battery) {
  battery("mean", cases([](const Tensor& a, const Shape& dims,
                           bool keep) { return mean(a, dims, keep); },
                        [](const std::vector<double>& x) {
                          return total(x) / static_cast<double>(x.size());
                        }));
}

double largest(const std::vector<double>& x) {
  double result = x[0];
  for (const double v : x) result = v > result ? v : result;
  return result;
}

TEST(Max, Battery) {
  battery("max", cases([](const Tensor& a, const Shape& dims,
                          bool keep) { return max(a, dims, keep); },
                       largest));
}

TEST(Max, SharesTheGradientOfEqualElements) {
  Tensor a = from_values({2, 5, 5, 7, 1, 7, 7, 0}, {2, 4});
  a.set_requires_grad();
  max(a, {1}).backward(from_values({4, 6}, {2}));
  EXPECT_EQ(a.grad().to_vector(),
            (std::vector<double>{0, 0, 0, 4, 0, 3, 3, 0}));
}

TEST(Max, OfNaNIsNaN) {
  for (const int at : {0, 3, 9, 40}) {
    Tensor a = zeros({41});
    a.mutable_data<float>()[at] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(std::isnan(max(a).item())) << at;
  }
  EXPECT_EQ(max(full({3}, -std::numeric_limits<double>::infinity())).item(),
            -std::numeric_limits<double>::infinity());
}

TEST(Norm, Battery) {
  for (const double p : {1.0, 2.0, 3.5}) {
    battery("norm", cases([p](const Tensor& a, const Shape& dims,
                              bool keep) { return norm(a, p, dims, keep); },
                          [p](const std::vector<double>& x) {
                            long double sum = 0;
                            for (const double v : x) {
                              sum += std::pow(
                                  static_cast<long double>(std::abs(v)), p);
                            }
                            return static_cast<double>(std::pow(sum, 1 / p));
                          }));
  }
}

TEST(Norm, OfInfiniteOrderIsTheLargest) {
  const double p = std::numeric_limits<double>::infinity();
  battery("norm", cases([p](const Tensor& a, const Shape& dims,
                            bool keep) { return norm(a, p, dims, keep); },
                        [](std::vector<double> x) {
                          for (double& v : x) v = std::abs(v);
                          return largest(x);
                        }));
}

TEST(Norm, DerivativeAtZeroIsZero) {
  for (const double p :
       {1.0, 1.5, 2.0, 3.0, std::numeric_limits<double>::infinity()}) {
    Tensor a = from_values({0, 0, 3, 4}, {2, 2});
    a.set_requires_grad();
    sum(norm(a, p, {1})).backward();
    const auto g = a.grad().to_vector();
    EXPECT_EQ(g[0], 0) << p;
    EXPECT_EQ(g[1], 0) << p;
    EXPECT_GT(g[3], 0) << p;
  }
}

TEST(Norm, OfLargeFloatsIsFinite) {
  EXPECT_FLOAT_EQ(norm(from_values({3e30, 4e30}, {2})).item<float>(), 5e30f);
}

// The Hessian of |x|_2 is (1 - u u^T) / |x| with u = x / |x|, of (sum x)^2 it
// is 2 everywhere.
TEST(SecondDerivative, OfNormAndSum) {
  Tensor x = from_values({2, -1, 2}, {3}, {DType::float64, {}});
  x.set_requires_grad();
  const auto row = [&](const Tensor& y, std::int64_t i) {
    const Tensor first = gradients(y, {x}, {}, {.create_graph = true}).at(0);
    return gradients(sum(slice(first, 0, i, i + 1)), {x}).at(0).to_vector();
  };
  const std::vector<double> u = {2. / 3, -1. / 3, 2. / 3};
  for (int i = 0; i < 3; ++i) {
    std::vector<double> expected;
    for (int j = 0; j < 3; ++j) {
      expected.push_back(((i == j) - u[i] * u[j]) / 3);
    }
    EXPECT_LE(relative_error(row(norm(x), i), expected), 1e-14) << i;
    EXPECT_LE(relative_error(row(pow(sum(x), 2.0), i), {2, 2, 2}), 1e-14);
  }
}

TEST(SecondDerivative, OfMaxAndMeanByAxes) {
  Tensor x = from_values({1, 5, 3, 2}, {2, 2}, {DType::float64, {}});
  x.set_requires_grad();
  const Tensor y = sum(pow(max(x, {1}), 3.0)) + sum(pow(mean(x, {0}), 2.0));
  const Tensor first = gradients(y, {x}, {}, {.create_graph = true}).at(0);
  // Each mean's gradient changes by 1/2 with either of its elements.
  EXPECT_EQ(gradients(sum(first), {x}).at(0).to_vector(),
            (std::vector<double>{1, 31, 19, 1}));
}

OpCase sum_to_case(const Shape& from, const Shape& to, std::vector<int> dims,
                   bool differentiable = true) {
  OpCase c;
  c.name = from.to_string() + " to " + to.to_string();
  c.inputs = {random_tensor(from)};
  c.op = [=](const Tensors& x) { return sum_to(x[0], to); };
  c.reference = [=](const Tensors& x) {
    if (dims.empty()) return x[0].to_vector();
    std::vector<double> expected;
    for (const auto& g : groups(x[0], dims)) expected.push_back(total(g));
    return expected;
  };
  c.differentiable = differentiable;
  return c;
}

TEST(SumTo, Battery) {
  battery(
      "sum_to",
      {sum_to_case({1}, {}, {0}), sum_to_case({4, 3}, {3}, {0}),
       sum_to_case({4, 3}, {4, 1}, {1}), sum_to_case({4, 3}, {}, {0, 1}),
       sum_to_case({1, 3}, {3}, {0}), sum_to_case({2, 3, 4}, {3, 1}, {0, 2}),
       sum_to_case({2, 3, 4, 5}, {2, 1, 4, 1}, {1, 3}),
       sum_to_case({400, 90}, {90}, {0}, false),
       sum_to_case({400, 90}, {400, 1}, {1}, false)});
}

TEST(SumTo, ReturnsItsArgumentForEqualShapes) {
  const Tensor a = random_tensor({2, 3});
  EXPECT_EQ(sum_to(a, {2, 3}).impl(), a.impl());
}

TEST(Reduce, KeepdimDecidesTheShape) {
  const Tensor a = random_tensor({2, 3, 4});
  EXPECT_EQ(sum(a, {1}).shape(), (Shape{2, 4}));
  EXPECT_EQ(sum(a, {1}, true).shape(), (Shape{2, 1, 4}));
  EXPECT_EQ(mean(a, {-1, 0}, true).shape(), (Shape{1, 3, 1}));
  EXPECT_EQ(mean(a).shape(), Shape{});
}

TEST(Reduce, EmptyAxes) {
  EXPECT_EQ(sum(zeros({0})).item(), 0);
  EXPECT_EQ(sum(zeros({2, 0, 3}), {1}).to_vector(),
            std::vector<double>(6, 0.0));
  EXPECT_EQ(sum(zeros({2, 0, 3}), {0}).shape(), (Shape{0, 3}));
  EXPECT_TRUE(std::isnan(mean(zeros({0})).item()));
  EXPECT_EQ(norm(zeros({0})).item(), 0);
  EXPECT_EQ(max(zeros({0, 3}), {1}).shape(), Shape{0});
  EXPECT_EQ(sum_to(zeros({0, 3}), {3}).to_vector(),
            std::vector<double>(3, 0.0));
}

TEST(Reduce, SumsOfFloatsAreAccurate) {
  const Tensor a = full({1 << 20}, 0.1f);
  EXPECT_FLOAT_EQ(sum(a).item<float>(),
                  static_cast<float>(0.1f * static_cast<double>(1 << 20)));
}

TEST(Reduce, ErrorsNameOperationAndShapes) {
  const Tensor a = zeros({2, 3});
  expect_error([&] { sum(a, {2}); }, {"sum", "dimension 2", "(2, 3)"});
  expect_error([&] { mean(a, {0, -2}); }, {"mean", "repeated", "(2, 3)"});
  expect_error([&] { sum_to(a, {4}); }, {"sum_to", "(4)", "(2, 3)"});
  expect_error([&] { sum_to(a, {1, 2, 3}); }, {"sum_to", "(1, 2, 3)"});
  expect_error([&] { max(a, {-3}); }, {"max", "dimension -3", "(2, 3)"});
  expect_error([&] { max(zeros({2, 0}), {1}); }, {"max", "(2, 0)"});
  expect_error([&] { norm(a, 0.5); }, {"norm", "0.5", "(2, 3)"});
  expect_error([&] { norm(a, 2, {5}); }, {"norm", "dimension 5", "(2, 3)"});
  const Tensor n = zeros({2, 3}, {DType::int64, {}});
  expect_error([&] { sum(n); }, {"sum", "int64", "(2, 3)"});
  expect_error([&] { mean(n); }, {"mean", "int64", "(2, 3)"});
  expect_error([&] { max(n); }, {"max", "int64", "(2, 3)"});
  expect_error([&] { norm(n); }, {"norm", "int64", "(2, 3)"});
}

}  // namespace
}  // namespace sigtape
