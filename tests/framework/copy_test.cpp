#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape {
namespace {

using namespace test;
using Tensors = std::vector<Tensor>;
using Values = std::vector<double>;

std::vector<OpCase> identities(const TensorFunction& op) {
  std::vector<OpCase> cases;
  for (const Shape& shape :
       {Shape{}, {1}, {5}, {3, 4}, {2, 1, 3}, {0, 2}, {3, 20011}}) {
    OpCase c;
    c.name = shape.to_string();
    c.inputs = {random_tensor(shape)};
    c.op = op;
    c.reference = [](const Tensors& x) { return x[0].to_vector(); };
    c.differentiable = shape.numel() < 1000;
    cases.push_back(c);
  }
  return cases;
}

TEST(Clone, Battery) {
  battery("clone", identities([](const Tensors& x) { return clone(x[0]); }));
}

TEST(Clone, SharesNothing) {
  Tensor a = from_values({1, 2}, {2});
  const Tensor b = clone(a);
  a.fill_(7);
  EXPECT_EQ(b.to_vector(), (Values{1, 2}));
}

TEST(Cast, Battery) {
  // To the type it has, a tensor is returned itself, and rounding to float32
  // is too coarse for gradcheck: the gradient has a test of its own below.
  for (const DType type : {DType::float64, DType::float32}) {
    auto cases =
        identities([type](const Tensors& x) { return cast(x[0], type); });
    for (OpCase& c : cases) {
      c.tolerance = 1e-7;
      c.differentiable = false;
    }
    battery("cast", cases);
  }
}

TEST(Cast, GradientHasTheTypeOfTheArgument) {
  Tensor a = from_values({1, 2}, {2}, {DType::float64, {}});
  a.set_requires_grad();
  sum(cast(a, DType::float32) * from_values({3, 4}, {2})).backward();
  EXPECT_EQ(a.grad().dtype(), DType::float64);
  EXPECT_EQ(a.grad().to_vector(), (Values{3, 4}));
}

TEST(Cast, ToWholeNumbersAndBack) {
  const Tensor a = from_values({1.7, -2.2, 3}, {3});
  const Tensor n = cast(a, DType::int64);
  EXPECT_EQ(n.dtype(), DType::int64);
  EXPECT_EQ(n.to_vector(), (Values{1, -2, 3}));
  EXPECT_EQ(cast(n, DType::float32).to_vector(), (Values{1, -2, 3}));
  EXPECT_EQ(cast(a, DType::float32).impl(), a.impl());
}

TEST(Cast, ToWholeNumbersEndsTheGraph) {
  Tensor a = from_values({1.5}, {1});
  a.set_requires_grad();
  EXPECT_FALSE(cast(a, DType::int64).requires_grad());
}

TEST(InPlace, ChangesValues) {
  Tensor a = from_values({1, 2, 3, 4}, {2, 2});
  a.mul_(2).add_(ones({2, 2}), 0.5);
  EXPECT_EQ(a.to_vector(), (Values{2.5, 4.5, 6.5, 8.5}));
  a.copy_(from_values({7, 8}, {2}));
  EXPECT_EQ(a.to_vector(), (Values{7, 8, 7, 8}));
  transpose(a, 0, 1).copy_(from_values({1, 2}, {2}));
  EXPECT_EQ(a.to_vector(), (Values{1, 1, 2, 2}));
  EXPECT_EQ(a.zero_().to_vector(), Values(4, 0));
}

TEST(InPlace, OnAGpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  const Device gpu{Device::Type::cuda, 0};
  for (const DType type : {DType::float64, DType::float32}) {
    const Tensor a = from_values({1, 2, 3, 4, 5, 6}, {2, 3}, {type, gpu});
    transpose(a, 0, 1).mul_(2).add_(ones({3, 2}, {type, gpu}), 0.5);
    EXPECT_EQ(a.to_vector(), (Values{2.5, 4.5, 6.5, 8.5, 10.5, 12.5}));
  }
}

TEST(InPlace, OfARecordedTensorNeedsNoGrad) {
  Tensor a = ones({2});
  a.set_requires_grad();
  expect_error([&] { a.fill_(1); }, {"fill_", "NoGrad"});
  expect_error([&] { a.add_(ones({2})); }, {"add_", "NoGrad"});
  expect_error([&] { a.mul_(2); }, {"mul_", "NoGrad"});
  expect_error([&] { a.copy_(ones({2})); }, {"copy_", "NoGrad"});
  const NoGrad no_grad;
  EXPECT_EQ(a.mul_(2).to_vector(), (Values{2, 2}));
}

TEST(InPlace, BackwardNoticesAChangedSavedTensor) {
  Tensor a = from_values({1, 2}, {2});
  a.set_requires_grad();
  const Tensor y = sum(exp(a) * log(a));
  {
    const NoGrad no_grad;
    a.mul_(2);
  }
  expect_error([&] { y.backward(); }, {"'log'", "changed in place", "(2)"});
}

TEST(InPlace, ErrorsNameShapes) {
  Tensor a = zeros({2, 3});
  expect_error([&] { a.copy_(zeros({4})); }, {"copy_", "(2, 3)", "(4)"});
  expect_error([&] { a.copy_(zeros({1, 2, 3})); }, {"copy_", "(1, 2, 3)"});
  expect_error([&] { a.add_(zeros({3})); }, {"add_", "(2, 3)", "(3)"});
}

}  // namespace
}  // namespace sigtape
