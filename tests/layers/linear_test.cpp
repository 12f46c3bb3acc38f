#include "sigtape/layers/linear.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/random.h"
#include "sigtape/layers/sequential.h"
#include "support/battery.h"
#include "support/layer_check.h"

namespace sigtape::test {
namespace {

TEST(Linear, MultipliesEveryPoint) {
  const auto expected = [](const Tensor& input,
                           const std::vector<Tensor>& parameters) {
    const auto x = input.to_vector(), w = parameters[0].to_vector(),
               b = parameters[1].to_vector();
    std::vector<double> y;
    for (std::size_t i = 0; i < x.size() / 5; ++i) {
      for (int o = 0; o < 3; ++o) {
        y.push_back(b[o]);
        for (int c = 0; c < 5; ++c) y.back() += x[i * 5 + c] * w[o * 5 + c];
      }
    }
    return y;
  };
  const auto make = [] { return linear({.out = 3}); };
  check_layer("features", make, random_tensor({4, 5}), expected);
  check_layer("streams", make, random_tensor({2, 4, 5}), expected);
}

TEST(Linear, HasNamedParametersWithinTheirBounds) {
  manual_seed(3);
  Linear layer({.out = 200});
  layer.build({0, 16, false}, {DType::float64, {}});
  const auto parameters = layer.named_parameters();
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0].name, "weight");
  EXPECT_EQ(parameters[0].tensor.shape(), Shape({200, 16}));
  EXPECT_EQ(parameters[1].name, "bias");
  EXPECT_EQ(layer.parameter_count(), 200 * 17);
  for (const NamedTensor& p : parameters) {
    double largest = 0, sum = 0;
    for (const double v : p.tensor.to_vector()) {
      largest = std::max(largest, std::abs(v));
      sum += v;
    }
    EXPECT_LE(largest, 0.25);
    EXPECT_GT(largest, 0.24);
    EXPECT_LT(std::abs(sum / p.tensor.numel()), 0.05);
  }
}

TEST(Linear, TakesItsSizeLater) {
  const auto layer = std::make_shared<Linear>(LinearOptions{});
  expect_error(
      [&] {
        layer->build({0, 4, false});
      },
      {"linear", "number of output channels"});
  layer->set_out(7);
  EXPECT_EQ(layer->build({9, 4, true}), (ValueShape{9, 7, true}));
  expect_error([&] { layer->set_out(2); }, {"linear", "after build"});
}

TEST(Linear, WithoutBias) {
  Linear layer({.out = 2, .bias = false});
  layer.build({0, 3, false});
  EXPECT_EQ(layer.parameter_count(), 6);
}

TEST(Linear, RefusesOtherChannelsByName) {
  const auto model = sequential(named("head", linear({.out = 2})));
  model->build({0, 3, false});
  expect_error(
      [&] {
        (*model->layer(0))(zeros({4, 5}));
      },
      {"'head'", "linear", "3 features", "5 features"});
  expect_error([&] { linear({.out = -1}); }, {"linear", "-1"});
}

}  // namespace
}  // namespace sigtape::test
