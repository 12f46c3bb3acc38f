#include "sigtape/layers/pooling.h"

#include <gtest/gtest.h>

#include "sigtape/layers/sequential.h"
#include "support/battery.h"
#include "support/layer_check.h"

namespace sigtape::test {
namespace {

TEST(Flatten, PutsPointAfterPoint) {
  const auto same = [](const Tensor& x, const std::vector<Tensor>&) {
    return x.to_vector();
  };
  check_layer(
      "flatten", [] { return flatten(); }, random_tensor({2, 4, 3}), same);
  EXPECT_EQ(flatten()->build({4, 3, false}), (ValueShape{0, 12, false}));
  EXPECT_EQ(flatten()->build({0, 3, false}), (ValueShape{0, 3, false}));
  EXPECT_EQ((*flatten())(zeros({2, 4, 3})).shape(), Shape({2, 12}));
}

TEST(Flatten, KeepsItsLength) {
  const auto layer = flatten();
  layer->set_name("flat");
  layer->build({4, 3, false});
  expect_error(
      [&] {
        (*layer)(zeros({2, 5, 3}));
      },
      {"'flat'", "length 4", "length 5"});
}

TEST(Last, TakesTheLastPoint) {
  check_layer(
      "last", [] { return last(); }, random_tensor({2, 4, 3}),
      [](const Tensor& x, const std::vector<Tensor>&) {
        const auto v = x.to_vector();
        return std::vector<double>{v[9], v[10], v[11], v[21], v[22], v[23]};
      });
  EXPECT_EQ(last()->build({4, 3, true}), (ValueShape{0, 3, false}));
}

TEST(Last, TakesTheLastTruePoint) {
  const Tensor x =
      from_values({1, 2, 3, 4, 5, 6}, {2, 3, 1}, {DType::float64, {}});
  const std::vector<std::int64_t> lengths = {2, 3};
  const Value y = last()->forward({x, from_indices(lengths)});
  EXPECT_EQ(y.data.to_vector(), (std::vector<double>{2, 6}));
  EXPECT_FALSE(y.lengths.defined());
}

TEST(Mean, TakesTheMeanOverTheStream) {
  check_layer(
      "mean", [] { return mean(); }, random_tensor({2, 4, 3}),
      [](const Tensor& x, const std::vector<Tensor>&) {
        const auto v = x.to_vector();
        std::vector<double> y(6);
        for (int i = 0; i < 24; ++i) y[i / 12 * 3 + i % 3] += v[i] / 4;
        return y;
      });
  EXPECT_EQ(mean()->build({4, 3, true}), (ValueShape{0, 3, false}));
}

TEST(Mean, TakesTheMeanOverTruePoints) {
  const Tensor x =
      from_values({1, 2, 30, 4, 5, 6}, {2, 3, 1}, {DType::float64, {}});
  const std::vector<std::int64_t> lengths = {2, 3};
  const Value y = mean()->forward({x, from_indices(lengths)});
  EXPECT_EQ(y.data.to_vector(), (std::vector<double>{1.5, 5}));
}

TEST(Pooling, RefusesFeaturesByName) {
  const auto refuses = [](const ModulePtr& layer) {
    const auto model = sequential(named("end", layer));
    expect_error(
        [&] {
          model->build({0, 3, false});
        },
        {"'end'", layer->type(), "a stream", "3 features"});
  };
  refuses(last());
  refuses(mean());
}

}  // namespace
}  // namespace sigtape::test
