// Activations, layer_norm and dropout as layers.
#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/random.h"
#include "sigtape/layers/activation.h"
#include "sigtape/layers/dropout.h"
#include "sigtape/layers/layer_norm.h"
#include "support/battery.h"
#include "support/layer_check.h"

namespace sigtape::test {
namespace {

using Function = double (*)(double);

LayerReference pointwise(Function f) {
  return [f](const Tensor& x, const std::vector<Tensor>&) {
    std::vector<double> y = x.to_vector();
    for (double& v : y) v = f(v);
    return y;
  };
}

// Away from the kinks of relu, which differences would step over.
Tensor input(const Shape& shape) {
  Tensor x = random_uniform(shape, 0.1, 2);
  for (std::int64_t i = 0; i < x.numel(); i += 2) {
    x.mutable_data<double>()[i] *= -1;
  }
  return x;
}

void check(const char* name, const std::function<ModulePtr()>& make,
           Function f) {
  EXPECT_STREQ(make()->type(), name);
  EXPECT_EQ(make()->least_length(3), 3);
  EXPECT_EQ(make()->build({7, 3, true}), (ValueShape{7, 3, true}));
  check_layer(name, make, input({2, 4, 3}), pointwise(f));
  check_layer(name, make, input({5, 3}), pointwise(f));
}

TEST(ActivationLayer, AppliesItsFunction) {
  check(
      "relu", [] { return relu(); }, [](double v) { return v > 0 ? v : 0; });
  check(
      "leaky_relu", [] { return leaky_relu(0.2); },
      [](double v) { return v > 0 ? v : 0.2 * v; });
  check(
      "tanh", [] { return tanh(); },
      [](double v) { return 1 - 2 / (std::exp(2 * v) + 1); });
  check(
      "sigmoid", [] { return sigmoid(); },
      [](double v) { return 1 / (1 + std::exp(-v)); });
  check(
      "gelu", [] { return gelu(); },
      [](double v) { return v / 2 * std::erfc(-v / std::sqrt(2.)); });
  check(
      "softplus", [] { return softplus(); },
      [](double v) { return std::log(1 + std::exp(v)); });
}

TEST(Activation, NoneIsTheIdentity) {
  const Tensor x = random_tensor({3});
  EXPECT_EQ(activate(Activation::none, x).to_vector(), x.to_vector());
  EXPECT_STREQ(name_of(Activation::none), "none");
}

TEST(LayerNorm, NormalisesEveryPoint) {
  const double eps = 1e-3;
  const auto expected = [eps](const Tensor& input,
                              const std::vector<Tensor>& parameters) {
    std::vector<double> y = input.to_vector();
    const auto w = parameters[0].to_vector(), b = parameters[1].to_vector();
    const std::size_t n = w.size();
    for (std::size_t at = 0; at < y.size(); at += n) {
      double mean = 0, square = 0;
      for (std::size_t c = 0; c < n; ++c) {
        mean += y[at + c] / n;
        square += y[at + c] * y[at + c] / n;
      }
      for (std::size_t c = 0; c < n; ++c) {
        y[at + c] =
            (y[at + c] - mean) / std::sqrt(square - mean * mean + eps) * w[c] +
            b[c];
      }
    }
    return y;
  };
  const auto make = [eps] { return layer_norm({.eps = eps, .name = "norm"}); };
  check_layer("streams", make, random_tensor({2, 3, 4}), expected);
  check_layer("features", make, random_tensor({3, 5}), expected);
}

TEST(LayerNorm, StartsAsThePlainNormalisation) {
  LayerNorm layer({});
  EXPECT_EQ(layer.build({6, 2, true}), (ValueShape{6, 2, true}));
  const auto parameters = layer.named_parameters();
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0].name, "weight");
  EXPECT_EQ(parameters[0].tensor.to_vector(), (std::vector<double>{1, 1}));
  EXPECT_EQ(parameters[1].name, "bias");
  EXPECT_EQ(parameters[1].tensor.to_vector(), (std::vector<double>{0, 0}));
  expect_error([] { layer_norm({.eps = -1}); }, {"layer_norm", "eps", "-1"});
}

TEST(Dropout, DropsWhileTraining) {
  manual_seed(11);
  Dropout layer({.p = 0.25});
  const Tensor x = ones({40, 50});
  const auto y = layer(x).to_vector();
  const auto zeros = std::count(y.begin(), y.end(), 0.0);
  EXPECT_NEAR(zeros, 500, 80);
  EXPECT_EQ(std::count(y.begin(), y.end(), static_cast<float>(1 / 0.75)),
            2000 - zeros);
  EXPECT_NE(layer(x).to_vector(), y) << "each call draws anew";
  manual_seed(11);
  EXPECT_EQ(layer(x).to_vector(), y);
}

TEST(Dropout, PassesOnOtherwise) {
  Dropout layer({.p = 0.25});
  layer.eval();
  const Tensor x = random_tensor({4, 5, 2});
  EXPECT_EQ(layer(x).to_vector(), x.to_vector());
  EXPECT_TRUE(layer.parameters().empty());
}

TEST(Dropout, RefusesOtherProbabilities) {
  for (const double p : {-0.1, 1.0, 1.5}) {
    expect_error([p] { dropout({.p = p}); }, {"dropout", "[0, 1)"});
  }
}

}  // namespace
}  // namespace sigtape::test
