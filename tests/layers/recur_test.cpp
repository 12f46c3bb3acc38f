#include "sigtape/layers/recur.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/activation.h"
#include "sigtape/layers/linear.h"
#include "sigtape/layers/sequential.h"
#include "sigtape/layers/stream_points.h"
#include "sigtape/layers/unfold.h"
#include "support/battery.h"
#include "support/layer_check.h"
#include "support/unequal.h"

namespace sigtape::test {
namespace {

ModulePtr network(std::int64_t outputs) {
  return sequential(linear({.out = 5}), tanh(), linear({.out = outputs}));
}

// The walk by plain loops: y = W2 tanh(W1 (x, m) + b1) + b2.
std::vector<double> walked(const Tensor& x, const std::vector<Tensor>& p,
                           std::int64_t memory) {
  const auto w1 = p[0].to_vector(), b1 = p[1].to_vector(),
             w2 = p[2].to_vector(), b2 = p[3].to_vector(), v = x.to_vector();
  const std::size_t length = x.size(1), channels = x.size(2),
                    hidden = b1.size(), wide = b2.size();
  std::vector<double> y;
  for (std::int64_t b = 0; b < x.size(0); ++b) {
    std::vector<double> m(memory);
    for (std::size_t t = 0; t < length; ++t) {
      std::vector<double> in(v.begin() + (b * length + t) * channels,
                             v.begin() + (b * length + t + 1) * channels);
      in.insert(in.end(), m.begin(), m.end());
      std::vector<double> h(b1), out(b2);
      for (std::size_t i = 0; i < hidden; ++i) {
        for (std::size_t j = 0; j < in.size(); ++j)
          h[i] += w1[i * in.size() + j] * in[j];
        h[i] = std::tanh(h[i]);
      }
      for (std::size_t i = 0; i < wide; ++i)
        for (std::size_t j = 0; j < hidden; ++j)
          out[i] += w2[i * hidden + j] * h[j];
      y.insert(y.end(), out.begin(), out.end() - memory);
      m.assign(out.end() - memory, out.end());
    }
  }
  return y;
}

TEST(Recur, WalksAlongTheStream) {
  check_layer(
      "recur", [] { return recur({.network = network(5), .memory = 3}); },
      random_tensor({3, 6, 2}),
      [](const Tensor& x, const std::vector<Tensor>& p) {
        return walked(x, p, 3);
      });
}

TEST(Recur, NamesTheNetworksParameters) {
  const auto model =
      sequential(named("walk", recur({.network = network(4), .memory = 2})));
  EXPECT_EQ(model->build({5, 3, false}), (ValueShape{5, 2, false}));
  EXPECT_EQ(model->named_parameters()[0].name, "walk.network.layers.0.weight");
  EXPECT_EQ(model->parameter_count(), 5 * (3 + 2) + 5 + 4 * 5 + 4);
}

TEST(Recur, OfUnequalLengths) {
  for (const DType dtype : {DType::float64, DType::float32}) {
    check_unequal(*recur({.network = network(4), .memory = 2}), {5, 1, 8}, 3,
                  dtype);
    check_unequal(*unfold({.length = 4, .stride = 3}), {5, 4, 12}, 3, dtype);
  }
}

TEST(Recur, SaysWhatItNeeds) {
  expect_error([] { recur({.memory = 2}); }, {"recur", "network"});
  expect_error([] { recur({.network = network(3)}); }, {"recur", "memory"});
  expect_error(
      [] {
        recur({.network = network(3), .memory = 3})->build({5, 2, false});
      },
      {"recur", "more outputs", "memory of 3", "3 features"});
  expect_error(
      [] {
        recur({.network = network(3), .memory = 2})->build({0, 2, false});
      },
      {"recur", "a stream", "2 features"});
}

TEST(StreamPoints, HandsEachPointsGradientBack) {
  Tensor x = random_tensor({2, 4, 3});
  x.set_requires_grad();
  const StreamPoints points(x);
  // Point 0 is not used, point 2 twice.
  const Tensor y = sum(points.at(1) * 2 + points.at(2) * points.at(2));
  for (int pass = 0; pass < 2; ++pass) {
    x.clear_grad();
    y.backward({}, {.retain_graph = true});
    const auto g = x.grad().to_vector(), v = x.to_vector();
    for (int i = 0; i < 24; ++i) {
      const int t = i / 3 % 4;
      const double expected = t == 1 ? 2 : t == 2 ? 2 * v[i] : 0;
      EXPECT_EQ(g[i], expected) << i;
    }
  }
  expect_error(
      [&] {
        gradients(y, {x}, {}, {true, true});
      },
      {"stream_points_backward", "derivative"});
}

TEST(Unfold, PutsWindowsSideBySide) {
  check_layer(
      "unfold", [] { return unfold({.length = 3, .stride = 2}); },
      random_tensor({2, 8, 2}),
      [](const Tensor& x, const std::vector<Tensor>&) {
        const auto v = x.to_vector();
        std::vector<double> y;
        for (int b = 0; b < 2; ++b)
          for (int first : {0, 2, 4})
            for (int i = 0; i < 6; ++i) y.push_back(v[b * 16 + first * 2 + i]);
        return y;
      });
  EXPECT_EQ(unfold({.length = 3, .stride = 2})->least_length(3), 7);
  expect_error(
      [] {
        unfold({.length = 3})->build({2, 1, false});
      },
      {"unfold", "at least 3", "got 2"});
  expect_error([] { unfold({.length = 0}); }, {"unfold", "length", "0"});
  expect_error([] { unfold({.length = 1, .stride = 0}); },
               {"unfold", "stride", "0"});
}

}  // namespace
}  // namespace sigtape::test
