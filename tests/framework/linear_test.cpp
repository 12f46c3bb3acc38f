#include <gtest/gtest.h>

#include <array>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

using Tensors = std::vector<Tensor>;

Tensor run(const Tensors& in) {
  return linear(in[0], in[1], in.size() > 2 ? in[2] : Tensor());
}

std::vector<double> reference(const Tensors& in) {
  const auto x = in[0].to_vector(), w = in[1].to_vector();
  const std::int64_t features = in[1].size(1), out = in[1].size(0);
  const std::int64_t rows = in[0].numel() / std::max<std::int64_t>(1, features);
  std::vector<double> y;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t o = 0; o < out; ++o) {
      double sum = in.size() > 2 ? in[2].to_vector()[o] : 0;
      for (std::int64_t i = 0; i < features; ++i) {
        sum += x[r * features + i] * w[o * features + i];
      }
      y.push_back(sum);
    }
  }
  return y;
}

OpCase of(const Shape& x, std::int64_t out, bool bias = true) {
  OpCase c{"x " + x.to_string() + ", " + std::to_string(out) + " out",
           {random_tensor(x, 1), random_tensor({out, x.back()}, 2)},
           run,
           reference};
  if (bias) c.inputs.push_back(random_tensor({out}, 3));
  return c;
}

OpCase large(OpCase c) {
  c.differentiable = false;
  return c;
}

TEST(Linear, Battery) {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    SCOPED_TRACE(isa_name(isa));
    const ScopedIsa forced(isa);
    battery("linear", {of({1, 1}, 1),
                       of({5, 3}, 2),
                       of({5, 3}, 2, false),
                       of({3}, 4),
                       of({2, 3, 8}, 8),
                       of({0, 3}, 2),
                       of({4, 15}, 7),
                       of({4, 16}, 9),
                       of({4, 17}, 15),
                       of({2, 100}, 3),
                       of({3, 79}, 10),
                       large(of({60, 1100}, 40)),
                       large(of({40, 70}, 600)),
                       large(of({8, 20011}, 10)),
                       large(of({16, 200, 8}, 8)),
                       of({300, 3}, 2),
                       of({2, 130, 2}, 1, false),
                       large(of({128, 100, 20}, 4)),
                       large(of({90, 100, 20}, 10)),
                       large(of({257, 41}, 15))});
  }
}

using Gradients = std::vector<std::vector<double>>;

// Gradients of x, weight and bias, of `rows` rows; none of x where that needs
// none.
Gradients gradients_of(std::int64_t rows, std::int64_t in, std::int64_t out,
                       DType dtype, bool x_needs_one = true) {
  Tensors all = {random_tensor({rows, in}, 1), random_tensor({out, in}, 2),
                 random_tensor({out}, 3)};
  for (Tensor& t : all) t = cast(t, dtype).detach().set_requires_grad();
  if (!x_needs_one) all[0] = all[0].detach();
  run(all).backward(cast(random_tensor({rows, out}, 4), dtype));
  Gradients result;
  for (const Tensor& t : all) {
    result.push_back(t.requires_grad() ? t.grad().to_vector()
                                       : std::vector<double>());
  }
  return result;
}

Gradients expected_gradients(std::int64_t rows, std::int64_t in,
                             std::int64_t out) {
  const auto x = random_tensor({rows, in}, 1).to_vector();
  const auto w = random_tensor({out, in}, 2).to_vector();
  const auto dy = random_tensor({rows, out}, 4).to_vector();
  Gradients g = {std::vector<double>(rows * in), std::vector<double>(out * in),
                 std::vector<double>(out)};
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t o = 0; o < out; ++o) {
      const double d = dy[r * out + o];
      g[2][o] += d;
      for (std::int64_t i = 0; i < in; ++i) {
        g[0][r * in + i] += d * w[o * in + i];
        g[1][o * in + i] += d * x[r * in + i];
      }
    }
  }
  return g;
}

// Of few rows and weights all gradients come from one pass, of one task, of
// two and of four; of many from matrix products.
TEST(Linear, GradientsAreTheSameOnAnyNumberOfThreads) {
  const int before = num_threads();
  for (const auto& [rows, in, out] : {std::array<std::int64_t, 3>{7, 5, 3},
                                      {33, 84, 10},
                                      {129, 84, 10},
                                      {131, 85, 11},
                                      {500, 300, 9},
                                      {1001, 800, 10},
                                      {1025, 84, 10},
                                      {128, 1110, 10}}) {
    SCOPED_TRACE(testing::Message() << rows << " x " << in << " x " << out);
    const Gradients expected = expected_gradients(rows, in, out);
    for (const DType dtype : {DType::float64, DType::float32}) {
      Gradients first;
      for (const int threads : {1, 2, 7}) {
        set_num_threads(threads);
        const Gradients got = gradients_of(rows, in, out, dtype);
        if (first.empty()) first = got;
        EXPECT_EQ(got, first) << threads << " threads";
      }
      for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_LE(relative_error(first[i], expected[i]),
                  dtype == DType::float64 ? 1e-13 : 2e-5)
            << "input " << i;
      }
    }
  }
  set_num_threads(before);
}

// As of a first layer, which reads the data: no gradient of x.
TEST(Linear, GradientsOfTheMapAlone) {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (!isa_supported(isa)) continue;
    const ScopedIsa forced(isa);
    for (const auto& [rows, in, out] : {std::array<std::int64_t, 3>{33, 1, 1},
                                        {40, 3, 2},
                                        {257, 8, 7},
                                        {300, 17, 10},
                                        {601, 41, 15},
                                        {1025, 100, 4},
                                        {20, 30, 40}}) {
      SCOPED_TRACE(testing::Message() << isa_name(isa) << ": " << rows << " x "
                                      << in << " x " << out);
      const Gradients expected = expected_gradients(rows, in, out);
      for (const DType dtype : {DType::float64, DType::float32}) {
        const Gradients got = gradients_of(rows, in, out, dtype, false);
        EXPECT_TRUE(got[0].empty());
        for (std::size_t i = 1; i < 3; ++i) {
          EXPECT_LE(relative_error(got[i], expected[i]),
                    dtype == DType::float64 ? 1e-13 : 2e-5)
              << "input " << i;
        }
      }
    }
  }
}

TEST(Linear, RejectsWhatDoesNotFit) {
  expect_error(
      [] {
        linear(ones({2, 3}), ones({4, 2}));
      },
      {"linear", "(2, 3)", "(4, 2)"});
  expect_error(
      [] {
        linear(ones({2, 3}), ones({4, 3}), ones({3}));
      },
      {"linear", "bias", "(4)", "(3)"});
  expect_error([] { linear(ones({}), ones({4, 3})); }, {"linear", "()"});
  expect_error([] { linear(ones({2, 3}), ones({3})); }, {"linear", "(3)"});
  expect_error(
      [] {
        linear(ones({2, 3}), ones({4, 3}, {DType::float64, {}}));
      },
      {"linear", "float32", "float64"});
}

}  // namespace
}  // namespace sigtape::test
