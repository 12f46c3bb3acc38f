#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

using Tensors = std::vector<Tensor>;

Tensor run(const Tensors& in) { return matmul(in[0], in[1]); }

// Plain loops over `batch` pairs of matrices; steps of 0 broadcast.
struct Product {
  std::int64_t batch, m, k, n;
  bool a_batched = true, b_batched = true;

  std::vector<double> operator()(const Tensors& in) const {
    const auto a = in[0].to_vector(), b = in[1].to_vector();
    std::vector<double> c(batch * m * n);
    for (std::int64_t p = 0; p < batch; ++p) {
      const double* x = a.data() + (a_batched ? p * m * k : 0);
      const double* y = b.data() + (b_batched ? p * k * n : 0);
      for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
          for (std::int64_t l = 0; l < k; ++l) {
            c[(p * m + i) * n + j] += x[i * k + l] * y[l * n + j];
          }
        }
      }
    }
    return c;
  }
};

OpCase matrices(std::int64_t m, std::int64_t k, std::int64_t n) {
  return {"(" + std::to_string(m) + ", " + std::to_string(k) + ") x (" +
              std::to_string(k) + ", " + std::to_string(n) + ")",
          {random_tensor({m, k}, 1), random_tensor({k, n}, 2)},
          run,
          Product{1, m, k, n}};
}

OpCase of(const char* name, const Shape& a, const Shape& b, Product p) {
  return {name, {random_tensor(a, 1), random_tensor(b, 2)}, run, p};
}

TEST(Matmul, OfMatrices) {
  std::vector<OpCase> cases;
  for (const std::int64_t n : {1, 7, 8, 9, 17}) {
    cases.push_back(matrices(3, 5, n));
  }
  cases.push_back(matrices(1, 1, 1));
  cases.push_back(matrices(0, 3, 2));
  cases.push_back(matrices(2, 0, 3));
  cases.push_back(matrices(13, 65, 4));
  cases.push_back(matrices(63, 2, 17));  // all but one row of a GPU tile
  cases.push_back(matrices(150, 90, 70));
  cases.back().differentiable = false;
  cases.push_back(matrices(4, 30000, 5));
  cases.back().differentiable = false;
  battery("matmul", cases);
}

TEST(Matmul, BroadcastsBatchAxes) {
  battery("matmul",
          {of("batched", {3, 2, 4}, {3, 4, 5}, {3, 2, 4, 5}),
           of("one right matrix", {3, 2, 4}, {4, 5}, {3, 2, 4, 5, true, false}),
           of("one left matrix", {2, 4}, {3, 4, 5}, {3, 2, 4, 5, false, true}),
           of("axes of size 1", {1, 1, 2, 4}, {2, 3, 4, 5},
              {6, 2, 4, 5, false, true}),
           of("no batch", {0, 2, 4}, {4, 5}, {0, 2, 4, 5})});
}

TEST(Matmul, OfVectorsAsNumpyDoes) {
  battery("matmul",
          {of("dot product", {6}, {6}, {1, 1, 6, 1}),
           of("vector, matrix", {4}, {4, 3}, {1, 1, 4, 3}),
           of("matrix, vector", {3, 4}, {4}, {1, 3, 4, 1}),
           of("vector, batch", {4}, {5, 4, 3}, {5, 1, 4, 3, false, true}),
           of("batch, vector", {5, 3, 4}, {4}, {5, 3, 4, 1, true, false})});
  EXPECT_EQ(matmul(ones({4}), ones({4})).shape(), Shape{});
  EXPECT_EQ(matmul(ones({4}), ones({5, 4, 3})).shape(), (Shape{5, 3}));
  EXPECT_EQ(matmul(ones({5, 3, 4}), ones({4})).shape(), (Shape{5, 3}));
}

// Transposed views go to other kernels than contiguous matrices.
TEST(Matmul, TakesTransposedViews) {
  const Tensor a = random_tensor({70, 6}, 1), b = random_tensor({9, 70}, 2);
  const std::vector<double> expected = Product{
      1, 6, 70, 9}({clone(transpose(a, 0, 1)), clone(transpose(b, 0, 1))});
  EXPECT_LE(
      relative_error(matmul(transpose(a, 0, 1), transpose(b, 0, 1)).to_vector(),
                     expected),
      1e-13);
  EXPECT_LE(
      relative_error(
          matmul(clone(transpose(a, 0, 1)), transpose(b, 0, 1)).to_vector(),
          expected),
      1e-13);
}

TEST(Matmul, IsTwiceDifferentiable) {
  const auto gradient = [](const Tensors& in) {
    const GradMode recorded(true);
    Tensor a = in[0], b = in[1];
    if (!a.requires_grad()) a = a.detach().set_requires_grad();
    const Tensor y = matmul(a, b);
    return gradients(sum(mul(y, y)), {a}, {}, {true, true})[0];
  };
  const GradcheckResult result =
      gradcheck(gradient, {random_tensor({2, 3}, 1), random_tensor({3, 2}, 2)});
  EXPECT_TRUE(result.ok) << result.message;
}

TEST(Matmul, RejectsWhatDoesNotFit) {
  expect_error(
      [] {
        matmul(ones({2, 3}), ones({4, 2}));
      },
      {"matmul", "(2, 3)", "(4, 2)"});
  expect_error(
      [] {
        matmul(ones({2, 2, 3}), ones({3, 3, 2}));
      },
      {"matmul", "(2)", "(3)"});
  expect_error([] { matmul(ones({}), ones({3})); }, {"matmul", "()"});
  expect_error(
      [] {
        matmul(ones({2, 3}), ones({3}, {DType::float64, {}}));
      },
      {"matmul", "float32", "float64"});
  const TensorOptions integer{DType::int64, {}};
  expect_error(
      [&] {
        matmul(ones({2, 2}, integer), ones({2, 2}, integer));
      },
      {"matmul", "int64"});
}

}  // namespace
}  // namespace sigtape::test
