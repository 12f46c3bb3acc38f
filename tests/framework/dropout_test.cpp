#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/random.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

using Tensors = std::vector<Tensor>;

// The definition, from the generator's sequence of uniform numbers.
OpCase of(const Shape& shape, double p, std::uint64_t offset = 0) {
  OpCase c{shape.to_string() + " p " + std::to_string(p),
           {random_tensor(shape)},
           [=](const Tensors& in) {
             Generator generator{5, offset};
             return dropout(in[0], p, generator);
           },
           [=](const Tensors& in) {
             auto y = in[0].to_vector();
             for (std::size_t i = 0; i < y.size(); ++i) {
               y[i] = philox_uniform(5, offset + i) < p ? 0 : y[i] / (1 - p);
             }
             return y;
           }};
  // For p = 0 the result is the leaf itself.
  c.differentiable = p > 0 && shape.numel() < 1000;
  return c;
}

TEST(Dropout, Battery) {
  battery("dropout", {of({1}, 0.5), of({3, 7}, 0.1), of({2, 3, 8}, 0.9, 1),
                      of({0, 3}, 0.5), of({9}, 0), of({5}, 1),
                      of({300, 300}, 0.3, 12345678901)});
}

TEST(Dropout, KeepsTheMeanAndDropsTheShareP) {
  for (const double p : {0.1, 0.5, 0.8}) {
    Generator generator{11};
    const int count = 40000;
    const auto y = dropout(ones({count}), p, generator).to_vector();
    double zeros = 0, sum = 0;
    for (const double v : y) {
      zeros += v == 0;
      sum += v;
    }
    // Five standard deviations of the binomial distribution.
    const double deviation = 5 * std::sqrt(p * (1 - p) / count);
    EXPECT_NEAR(zeros / count, p, deviation);
    EXPECT_NEAR(sum / count, 1, deviation / (1 - p) + 1e-6);
  }
}

TEST(Dropout, GradientPassesWhereTheElementDid) {
  Generator generator{3};
  const Tensor x = ones({100}).set_requires_grad();
  const Tensor y = dropout(x, 0.5, generator);
  sum(y).backward();
  EXPECT_EQ(x.grad().to_vector(), y.to_vector());
}

TEST(Dropout, IsAFunctionOfTheGenerator) {
  const Tensor x = ones({64});
  Generator a{7}, b{7};
  const auto first = dropout(x, 0.5, a).to_vector();
  EXPECT_EQ(a.offset, 64u);
  EXPECT_NE(first, dropout(x, 0.5, a).to_vector());
  EXPECT_EQ(first, dropout(x, 0.5, b).to_vector());
  Generator resumed{7, 64};
  EXPECT_EQ(dropout(x, 0.5, b).to_vector(),
            dropout(x, 0.5, resumed).to_vector());
  manual_seed(7);
  EXPECT_EQ(first, dropout(x, 0.5).to_vector());
}

TEST(Dropout, OfProbabilityZeroIsTheTensorItself) {
  Generator generator{7};
  const Tensor x = ones({3});
  EXPECT_EQ(dropout(x, 0, generator).impl(), x.impl());
  EXPECT_EQ(generator.offset, 0u);
}

TEST(Dropout, RejectsWhatDoesNotFit) {
  for (const double p : {-0.1, 1.1, std::nan("")}) {
    expect_error([&] { dropout(ones({2}), p); }, {"dropout", "probability"});
  }
  expect_error(
      [] {
        dropout(ones({2}, {DType::int64, {}}), 0.5);
      },
      {"dropout", "int64", "(2)"});
}

}  // namespace
}  // namespace sigtape::test
