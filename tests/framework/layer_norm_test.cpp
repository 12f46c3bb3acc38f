#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

using Tensors = std::vector<Tensor>;
constexpr double kEps = 1e-2;

// With the variance as mean of squares less square of the mean.
std::vector<double> reference(const Tensors& in) {
  const auto a = in[0].to_vector();
  const std::int64_t n = in[0].size(-1);
  std::vector<double> y(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::size_t first = i - i % n;
    double sum = 0, squares = 0;
    for (std::int64_t j = 0; j < n; ++j) {
      sum += a[first + j];
      squares += a[first + j] * a[first + j];
    }
    const double mean = sum / n;
    y[i] = (a[i] - mean) / std::sqrt(squares / n - mean * mean + kEps);
    if (in.size() > 1) y[i] *= in[1].to_vector()[i % n];
    if (in.size() > 2) y[i] += in[2].to_vector()[i % n];
  }
  return y;
}

OpCase of(const Shape& shape, int parameters = 2) {
  OpCase c{shape.to_string() + " with " + std::to_string(parameters),
           {random_tensor(shape, 1)},
           [](const Tensors& in) {
             return layer_norm(in[0], in.size() > 1 ? in[1] : Tensor(),
                               in.size() > 2 ? in[2] : Tensor(), kEps);
           },
           reference};
  for (int p = 0; p < parameters; ++p) {
    c.inputs.push_back(random_tensor({shape.back()}, 2 + p));
  }
  c.differentiable = shape.numel() < 1000;
  return c;
}

TEST(LayerNorm, Battery) {
  battery("layer_norm",
          {of({3, 1}), of({3, 7}), of({3, 8}), of({3, 9}), of({2, 3, 17}),
           of({5}), of({4, 6}, 0), of({4, 6}, 1), of({0, 4}), of({2000, 33})});
}

// More rows than tiles, so that partial sums are added.
TEST(LayerNorm, GradientsOfManyRowsDoNotDependOnThreads) {
  OpCase c = of({9000, 3});
  Tensor a = c.inputs[0], w = c.inputs[1], b = c.inputs[2];
  w.set_requires_grad();
  b.set_requires_grad();
  layer_norm(a, w, b, kEps).backward(random_tensor({9000, 3}, 7));
  const auto g = random_tensor({9000, 3}, 7).to_vector();
  const auto y = reference({a});
  std::vector<double> dw(3), db(3);
  for (std::size_t i = 0; i < g.size(); ++i) {
    dw[i % 3] += g[i] * y[i];
    db[i % 3] += g[i];
  }
  EXPECT_LE(relative_error(w.grad().to_vector(), dw), 1e-12);
  EXPECT_LE(relative_error(b.grad().to_vector(), db), 1e-12);
}

// float32 around 1e4: the centred second pass keeps the variance.
TEST(LayerNorm, OfValuesFarFromZero) {
  const Tensor a = from_values({10000, 10001, 10002, 10003}, {4});
  const auto y = layer_norm(a).to_vector();
  const double s = 1 / std::sqrt(1.25 + 1e-5);
  EXPECT_NEAR(y[0], -1.5 * s, 1e-5);
  EXPECT_NEAR(y[3], 1.5 * s, 1e-5);
}

TEST(LayerNorm, RejectsWhatDoesNotFit) {
  expect_error([] { layer_norm(ones({})); }, {"layer_norm", "()"});
  expect_error(
      [] {
        layer_norm(ones({2, 3}), ones({2}));
      },
      {"layer_norm", "weight", "(2, 3)", "(2)"});
  expect_error(
      [] {
        layer_norm(ones({2, 3}), {}, ones({1, 3}));
      },
      {"layer_norm", "bias", "(1, 3)"});
  expect_error(
      [] {
        layer_norm(ones({2, 3}), ones({3}, {DType::float64, {}}));
      },
      {"layer_norm", "float64"});
  expect_error([] { layer_norm(ones({2}), {}, {}, 0); }, {"layer_norm", "eps"});
  expect_error(
      [] {
        layer_norm(ones({2, 3}, {DType::int64, {}}));
      },
      {"layer_norm", "int64"});
}

}  // namespace
}  // namespace sigtape::test
