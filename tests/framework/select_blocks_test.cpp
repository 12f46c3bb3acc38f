#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

const std::vector<std::int64_t> firsts = {12, 0, 12, 30};

// 4 blocks of 3 x 2 of numbers 0, 1, .. 39.
Tensor selection(TensorOptions options = {}) {
  const Tensor source = reshape(linspace(0, 39, 40, options), {20, 2});
  return select_blocks(source, firsts, {4, 3, 2});
}

TEST(SelectBlocks, ReadsLikeACopy) {
  std::vector<double> expected;
  for (const std::int64_t first : firsts) {
    for (int i = 0; i < 6; ++i) expected.push_back(first + i);
  }
  EXPECT_EQ(selection().to_vector(), expected);
  EXPECT_EQ(reshape(selection(), {24}).to_vector(), expected);
  EXPECT_EQ(sum(selection({DType::float64, {}})).item(),
            12 * 6 * 2 + 30 * 6 + 60);
}

TEST(SelectBlocks, CanBeChangedLikeACopy) {
  Tensor x = selection();
  x.mul_(2.0);
  EXPECT_EQ(x.to_vector()[0], 24);
  EXPECT_EQ(x.impl()->storage->selection(), nullptr);
}

// Rows that are read where they stand give the bits of rows that were copied.
TEST(SelectBlocks, LinearReadsRowsWhereTheyStand) {
  manual_seed(3);
  const Tensor source = randn({40 * 77, 20});
  std::vector<std::int64_t> starts;
  for (std::int64_t i = 0; i < 32; ++i)
    starts.push_back((i * 7 % 40) * 77 * 20);
  const Tensor lazy = select_blocks(source, starts, {32, 77, 20});
  const Tensor copy = clone(select_blocks(source, starts, {32, 77, 20}));
  Tensor results[2][3];
  for (const Tensor& x : {lazy, copy}) {
    const int i = x.impl() == copy.impl();
    manual_seed(4);
    Tensor w = randn({5, 20}), b = randn({5});
    w.set_requires_grad();
    b.set_requires_grad();
    const Tensor y = linear(x, w, b);
    y.backward(randn(y.shape()));
    results[i][0] = y.detach();
    results[i][1] = w.grad();
    results[i][2] = b.grad();
  }
  EXPECT_EQ(results[0][0].to_vector(), results[1][0].to_vector());
  for (int k = 1; k < 3; ++k) {
    const auto a = results[0][k].to_vector(), e = results[1][k].to_vector();
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_NEAR(a[i], e[i], 1e-3) << k;
    }
  }
}

// Tasks end within blocks; the weight's gradient is still a product of
// matrices.
TEST(SelectBlocks, LinearGradientsTakeEveryRowOnce) {
  manual_seed(5);
  const TensorOptions f64 = {DType::float64, {}};
  const Tensor source = randn({9 * 900, 20}, f64);
  std::vector<std::int64_t> starts;
  for (const int block : {8, 1, 0, 5, 3, 3, 7})
    starts.push_back(block * 900 * 20);
  const Tensor x = select_blocks(source, starts, {7, 900, 20});
  Tensor w = randn({4, 20}, f64), b = randn({4}, f64);
  w.set_requires_grad();
  b.set_requires_grad();
  const Tensor y = linear(x, w, b), dy = randn(y.shape(), f64);
  y.backward(dy);
  const Tensor g = reshape(dy, {6300, 4});
  const Tensor expected =
      matmul(transpose(g, 0, 1), reshape(clone(x), {6300, 20}));
  EXPECT_LE(relative_error(w.grad().to_vector(), expected.to_vector()), 1e-12);
  EXPECT_LE(relative_error(b.grad().to_vector(), sum(g, {0}).to_vector()),
            1e-12);
}

TEST(SelectBlocks, RejectsWhatIsNotThere) {
  const Tensor source = ones({10, 2});
  const std::vector<std::int64_t> beyond = {0, 15};
  expect_error(
      [&] {
        select_blocks(source, beyond, {2, 3, 2});
      },
      {"select_blocks", "block 1", "15", "6", "(10, 2)"});
  expect_error(
      [&] {
        select_blocks(source, beyond, {3, 1});
      },
      {"select_blocks", "2", "(3, 1)"});
  expect_error(
      [&] {
        select_blocks(transpose(source, 0, 1), beyond, {2, 1});
      },
      {"select_blocks", "contiguous"});
}

}  // namespace
}  // namespace sigtape::test
