#include "sigtape/layers/augment.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"
#include "support/golden.h"
#include "support/layer_check.h"

namespace sigtape::test {
namespace {

AugmentOptions options_of(const nlohmann::json& arguments) {
  return {.layer_sizes = arguments.at("layer_sizes"),
          .kernel_size = arguments.at("kernel_size"),
          .include_original = arguments.at("include_original"),
          .include_time = arguments.at("include_time")};
}

TEST(Augment, AgreesWithSignatory) {
  const std::vector<GoldenCase> cases = golden_cases("augment");
  ASSERT_EQ(cases.size(), 6u);
  for (const GoldenCase& c : cases) {
    SCOPED_TRACE(c.arguments.at("case").get<std::string>());
    Tensor x = golden_tensor(c.at("x")).set_requires_grad();
    Augment layer(options_of(c.arguments));
    layer.build({x.size(1), x.size(2), false}, {DType::float64, {}});
    {
      const NoGrad no_grad;
      for (NamedTensor& p : layer.named_parameters()) {
        p.tensor.copy_(golden_tensor(c.at("w." + p.name)));
      }
    }
    const Tensor y = layer(x);
    EXPECT_LE(relative_error(y.to_vector(), c.at("y").values), 1e-10);
    y.backward(golden_tensor(c.at("g_y")));
    EXPECT_LE(relative_error(x.grad().to_vector(), c.at("d_x").values), 1e-10);
    for (const NamedTensor& p : layer.named_parameters()) {
      EXPECT_LE(relative_error(p.tensor.grad().to_vector(),
                               c.at("d_w." + p.name).values),
                1e-10)
          << p.name;
    }
  }
}

// A value outside 0..length - 1 is 0, as beyond the ends of a padded stream.
double at(const std::vector<double>& x, std::int64_t length,
          std::int64_t channels, std::int64_t b, std::int64_t t,
          std::int64_t c) {
  if (t < 0 || t >= length) return 0;
  return x[(b * length + t) * channels + c];
}

// The definition, point by point, with tanh between the layers.
std::vector<double> plain_augment(const AugmentOptions& o, const Tensor& input,
                                  const std::vector<Tensor>& parameters) {
  const auto x = input.to_vector();
  const std::int64_t batch = input.size(0), length = input.size(1),
                     channels = input.size(2), k = o.kernel_size;
  std::int64_t points = 0;  // windows that lie within the padded stream
  while (points * o.stride + o.dilation * (k - 1) < length + 2 * o.padding) {
    ++points;
  }
  std::vector<double> y;
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t j = 0; j < points; ++j) {
      const std::int64_t first = j * o.stride - o.padding;
      const std::int64_t tap =
          points == length - k + 1
              ? j + k - 1
              : std::min(
                    std::max<std::int64_t>(first + (k - 1) * o.dilation, 0),
                    length - 1);
      for (std::int64_t c = 0; o.include_original && c < channels; ++c) {
        y.push_back(at(x, length, channels, b, tap, c));
      }
      if (o.include_time) y.push_back(points == 1 ? 0. : j / (points - 1.));
      std::vector<double> h(k * channels);
      for (std::int64_t c = 0; c < channels; ++c) {
        for (std::int64_t t = 0; t < k; ++t) {
          h[c * k + t] = at(x, length, channels, b, first + t * o.dilation, c);
        }
      }
      const std::size_t per_layer = o.bias ? 2 : 1;
      for (std::size_t i = 0; i < o.layer_sizes.size(); ++i) {
        const auto w = parameters[i * per_layer].to_vector();
        std::vector<double> next(o.layer_sizes[i], 0.);
        if (o.bias) next = parameters[i * per_layer + 1].to_vector();
        for (std::size_t out = 0; out < next.size(); ++out) {
          for (std::size_t in = 0; in < h.size(); ++in) {
            const double v = i == 0 ? h[in] : std::tanh(h[in]);
            next[out] += w[out * h.size() + in] * v;
          }
        }
        h = next;
      }
      if (!o.layer_sizes.empty()) y.insert(y.end(), h.begin(), h.end());
    }
  }
  return y;
}

void check(const std::string& name, AugmentOptions o, const Shape& shape) {
  o.activation = Activation::tanh;
  check_layer(
      name, [o] { return augment(o); }, random_tensor(shape),
      [o](const Tensor& x, const std::vector<Tensor>& parameters) {
        return plain_augment(o, x, parameters);
      });
}

TEST(Augment, FollowsItsDefinition) {
  check("plain", {.layer_sizes = {3, 2}, .kernel_size = 4}, {2, 9, 3});
  check("kernel 1", {.layer_sizes = {3, 4, 2}}, {2, 5, 3});
  check("shortest", {.layer_sizes = {3}, .kernel_size = 4}, {2, 4, 3});
  check("no layers", {.kernel_size = 3}, {2, 6, 2});
  check("no layers, original", {.kernel_size = 2, .include_time = false},
        {2, 6, 2});
  check("no bias", {.layer_sizes = {3, 2}, .kernel_size = 2, .bias = false},
        {1, 5, 2});
  check("learned only",
        {.layer_sizes = {2, 3},
         .kernel_size = 3,
         .include_original = false,
         .include_time = false},
        {3, 7, 1});
  check("one point", {}, {2, 1, 3});
}

TEST(Augment, FollowsItsDefinitionWithStridePaddingAndDilation) {
  check("stride", {.layer_sizes = {3}, .kernel_size = 3, .stride = 2},
        {2, 8, 2});
  check("padding", {.layer_sizes = {3, 2}, .kernel_size = 4, .padding = 2},
        {2, 6, 2});
  check("dilation", {.layer_sizes = {3}, .kernel_size = 3, .dilation = 2},
        {2, 9, 2});
  check("all",
        {.layer_sizes = {3, 2},
         .kernel_size = 3,
         .stride = 3,
         .padding = 4,
         .dilation = 2},
        {2, 8, 2});
  check("padding makes up for dilation",
        {.layer_sizes = {2}, .kernel_size = 3, .padding = 1, .dilation = 2},
        {1, 7, 2});
  check("padding makes up for the kernel",
        {.layer_sizes = {2}, .kernel_size = 5, .padding = 3}, {1, 2, 2});
}

TEST(Augment, TakesTheOriginalAtTheLastTap) {
  const Tensor x =
      from_values({0, 1, 2, 3, 4, 5, 6}, {1, 7, 1}, {DType::float64, {}});
  const auto original = [&](AugmentOptions o) {
    o.layer_sizes = {1};
    o.include_time = false;
    const Tensor y = (*augment(o))(x);
    return slice(y, 2, 0, 1).to_vector();
  };
  EXPECT_EQ(original({.kernel_size = 3}), (std::vector<double>{2, 3, 4, 5, 6}));
  EXPECT_EQ(original({.kernel_size = 3, .stride = 2, .padding = 1}),
            (std::vector<double>{1, 3, 5, 6}));
  EXPECT_EQ(original({.kernel_size = 3, .padding = 1, .dilation = 2}),
            (std::vector<double>{2, 3, 4, 5, 6}));
  EXPECT_EQ(original({.kernel_size = 2, .padding = 3}),
            (std::vector<double>{0, 0, 0, 1, 2, 3, 4, 5, 6, 6, 6, 6}));
}

TEST(Augment, CountsTimeInTheTypeOfItsInput) {
  for (const DType type : {DType::float32, DType::float64}) {
    const auto layer = augment({.kernel_size = 2, .include_original = false});
    const Tensor y = (*layer)(zeros({2, 8, 3}, {type, {}}));
    const auto line = linspace(0, 1, 7, {type, {}}).to_vector();
    EXPECT_EQ(y.dtype(), type);
    EXPECT_EQ(slice(y, 0, 1, 2).to_vector(), line);
    EXPECT_EQ((*layer)(zeros({1, 2, 3}, {type, {}})).to_vector(),
              std::vector<double>{0});
  }
}

TEST(Augment, InfersShapes) {
  const auto shape = [](const AugmentOptions& o) {
    return augment(o)->build({20, 4, true});
  };
  EXPECT_EQ(shape({.layer_sizes = {8, 8, 2}, .kernel_size = 4}),
            (ValueShape{17, 7, true}));
  EXPECT_EQ(shape({.kernel_size = 3}), (ValueShape{18, 5, true}));
  EXPECT_EQ(shape({.layer_sizes = {3}, .kernel_size = 3, .stride = 2}),
            (ValueShape{9, 8, true}));
}

TEST(Augment, KnowsItsLeastLength) {
  const Augment layer({.layer_sizes = {3},
                       .kernel_size = 3,
                       .stride = 2,
                       .padding = 1,
                       .dilation = 2});
  for (std::int64_t points = 1; points < 6; ++points) {
    const std::int64_t least = layer.least_length(points);
    EXPECT_GE(layer.output_length(least), points);
    EXPECT_LT(layer.output_length(least - 1), points);
  }
  EXPECT_EQ(layer.least_length(0), layer.least_length(1));
  EXPECT_EQ(Augment({.layer_sizes = {3}, .kernel_size = 3, .padding = 4})
                .least_length(1),
            1);
}

TEST(Augment, RefusesWrongOptions) {
  const auto expect = [](const AugmentOptions& o,
                         const std::vector<std::string>& fragments) {
    expect_error([&] { augment(o); }, fragments);
  };
  expect({.include_original = false, .include_time = false},
         {"augment", "nothing is included"});
  expect({.kernel_size = 0}, {"augment", "kernel_size", "at least 1", "got 0"});
  expect({.layer_sizes = {3, 0}}, {"layer_sizes", "got 0"});
  expect({.layer_sizes = {3}, .stride = 0}, {"stride"});
  expect({.layer_sizes = {3}, .padding = -1}, {"padding", "-1"});
  expect({.layer_sizes = {3}, .dilation = 0}, {"dilation"});
  for (const AugmentOptions& o :
       {AugmentOptions{.stride = 2}, AugmentOptions{.padding = 1},
        AugmentOptions{.dilation = 2}}) {
    expect(o, {"stride, padding and dilation need layer_sizes"});
  }
}

TEST(Augment, RefusesWrongInputsByName) {
  const auto layer = augment({.in_channels = 6,
                              .layer_sizes = {8},
                              .kernel_size = 4,
                              .name = "augment1"});
  expect_error(
      [&] {
        layer->build({9, 5, false});
      },
      {"'augment1'", "6 channels", "5 channels"});
  expect_error(
      [&] {
        layer->build({0, 6, false});
      },
      {"'augment1'", "a stream", "6 features"});
  expect_error(
      [&] {
        layer->build({3, 6, false});
      },
      {"'augment1'", "too short", "at least 4", "got 3"});
  layer->build({9, 6, false});
  expect_error(
      [&] {
        (*layer)(zeros({2, 3, 6}));
      },
      {"'augment1'", "too short", "at least 4", "got 3"});
  expect_error([&] { (*layer)(zeros({2, 9, 5})); }, {"'augment1'"});
  const std::vector<std::int64_t> lengths = {9, 3};
  expect_error(
      [&] {
        layer->forward({zeros({2, 9, 6}), from_indices(lengths)});
      },
      {"'augment1'", "too short", "at least 4", "got 3"});
  const auto spread = augment(
      {.layer_sizes = {2}, .kernel_size = 3, .padding = 1, .dilation = 4});
  expect_error(
      [&] {
        spread->build({6, 1, false});
      },
      {"at least 7", "dilation 4", "got 6"});
}

}  // namespace
}  // namespace sigtape::test
