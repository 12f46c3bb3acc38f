#include "sigtape/layers/sequential.h"

#include <gtest/gtest.h>

#include "sigtape/layers/linear.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

std::vector<std::string> names(const Module& module) {
  std::vector<std::string> result;
  for (const NamedTensor& p : module.named_parameters()) {
    result.push_back(p.name);
  }
  return result;
}

// Needs `extra` more points than it gives; its error names it.
class Shortener : public Module {
 public:
  explicit Shortener(std::int64_t extra) : extra_(extra) {}
  const char* type() const override { return "shortener"; }
  std::int64_t least_length(std::int64_t points) const override {
    return std::max<std::int64_t>(points, 1) + extra_;
  }

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions) override {
    return {input.length - extra_, input.channels, input.unequal};
  }
  Value on_forward(const Value& x) override { return x; }

 private:
  std::int64_t extra_;
};

std::shared_ptr<Sequential> chain() {
  return sequential(std::make_shared<Shortener>(3), linear({.out = 2}),
                    named("tail", std::make_shared<Shortener>(4)));
}

TEST(Sequential, NamesItsLayersByPlaceOrByGivenName) {
  const auto model =
      sequential(linear({.out = 4}), named("middle", linear({.out = 3})),
                 linear({.out = 2, .bias = false}));
  EXPECT_TRUE(names(*model).empty());
  EXPECT_EQ(model->build({0, 5, false}), (ValueShape{0, 2, false}));
  EXPECT_EQ(names(*model),
            (std::vector<std::string>{"layers.0.weight", "layers.0.bias",
                                      "middle.weight", "middle.bias",
                                      "layers.2.weight"}));
  EXPECT_EQ(model->parameter_count(), 24 + 15 + 6);
  EXPECT_EQ(model->layer(1)->name(), "middle");
}

TEST(Sequential, Nests) {
  const auto inner = sequential(linear({.out = 4}), linear({.out = 3}));
  const auto model = sequential(
      linear({.out = 6}), named("encoder", inner),
      sequential(linear({.out = 2}), named("b", linear({.out = 1}))));
  const Tensor y = (*model)(random_tensor({7, 5}));
  EXPECT_EQ(y.shape(), Shape({7, 1}));
  EXPECT_EQ(names(*model)[2], "encoder.layers.0.weight");
  EXPECT_EQ(names(*model)[6], "layers.2.layers.0.weight");
  EXPECT_EQ(names(*model)[8], "layers.2.b.weight");
  EXPECT_EQ(inner->layer(1)->name(), "encoder.layers.1");
}

TEST(Sequential, RefusesOneNameTwiceAndNoLayers) {
  expect_error(
      [] {
        sequential(named("a", linear({.out = 4})),
                   named("a", linear({.out = 3})));
      },
      {"two layers are named 'a'"});
  expect_error([] { sequential(std::vector<ModulePtr>{}); }, {"at least one"});
  expect_error([] { sequential(std::vector<ModulePtr>{nullptr}); }, {"null"});
  const auto model = sequential(linear({.out = 1}));
  expect_error([&] { model->layer(1); }, {"0..0", "1"});
}

TEST(Sequential, KnowsItsLeastLength) {
  EXPECT_EQ(chain()->least_length(), 8);
  EXPECT_EQ(chain()->least_length(5), 12);
  EXPECT_EQ(sequential(chain(), chain())->least_length(), 15);
}

TEST(Sequential, RefusesShortStreamsNamingTheLayer) {
  const auto model = chain();
  expect_error(
      [&] {
        model->build({3, 2, false});
      },
      {"'layers.0'", "shortener", "at least 8", "got 3"});
  model->build({9, 2, false}, {DType::float64, {}});
  expect_error(
      [&] {
        (*model)(random_tensor({2, 7, 2}));
      },
      {"'tail'", "too short a stream", "at least 8", "got 7"});
  const std::vector<std::int64_t> lengths = {9, 5};
  expect_error(
      [&] {
        model->forward({random_tensor({2, 9, 2}), from_indices(lengths)});
      },
      {"'tail'", "too short a stream", "at least 8", "got 5"});
}

TEST(Sequential, ChecksLengths) {
  const auto model = sequential(linear({.out = 1}));
  const Tensor x = random_tensor({2, 4, 3});
  const auto forward = [&](const std::vector<std::int64_t>& lengths) {
    model->forward({x, from_indices(lengths)});
  };
  forward({1, 4});
  expect_error([&] { forward({1, 2, 3}); }, {"lengths (2)", "(3)"});
  expect_error([&] { forward({0, 4}); }, {"1 to 4", "got 0", "stream 0"});
  expect_error([&] { forward({4, 5}); }, {"1 to 4", "got 5", "stream 1"});
  expect_error([&] { model->forward({x, ones({2})}); }, {"int64", "float32"});
  expect_error(
      [&] {
        model->forward({zeros({2, 3}), {}});
      },
      {"sequential: expected streams (lengths up to 4, 3 channels)",
       "3 features"});
}

TEST(Sequential, CanBeBuiltAgainAfterAnError) {
  const auto last = std::make_shared<Linear>(LinearOptions{});
  const auto model = sequential(linear({.out = 4}), last);
  expect_error([&] { model->build({0, 3, false}); }, {"layers.1"});
  EXPECT_TRUE(names(*model).empty());
  last->set_out(2);
  model->build({0, 3, false});
  EXPECT_EQ(names(*model).size(), 4u);
  expect_error([&] { model->build({0, 3, false}); }, {"build called twice"});
}

TEST(Sequential, PassesTrainingModeOn) {
  const auto model = sequential(sequential(linear({.out = 4})));
  EXPECT_TRUE(model->is_training());
  model->eval();
  EXPECT_FALSE(model->layer(0)->is_training());
  model->train();
  EXPECT_TRUE(model->layer(0)->is_training());
}

TEST(Sequential, ClearsGradients) {
  const auto model = sequential(linear({.out = 1}), linear({.out = 1}));
  (*model)(random_tensor({1, 2})).backward();
  for (const Tensor& p : model->parameters()) EXPECT_TRUE(p.grad().defined());
  model->clear_gradients();
  for (const Tensor& p : model->parameters()) EXPECT_FALSE(p.grad().defined());
}

}  // namespace
}  // namespace sigtape::test
