#include "sigtape/framework/tensor.h"

#include <gtest/gtest.h>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/random.h"
#include "sigtape/framework/tape.h"
#include "support/battery.h"

namespace sigtape {
namespace {

using test::expect_error;

TEST(Tensor, CopyOfAHandleSharesElements) {
  Tensor a = from_values({1, 2, 3}, {3});
  Tensor b = a;
  b.mutable_data<float>()[1] = 7;
  EXPECT_EQ(a.to_vector(), (std::vector<double>{1, 7, 3}));
  EXPECT_EQ(a.data<float>(), b.data<float>());
}

TEST(Tensor, ViewsAndDetachedTensorsShareStorageAndVersion) {
  Tensor a = zeros({2, 3});
  const std::uint32_t before = a.version();
  Tensor d = a.detach();
  d.fill_(4);
  EXPECT_GT(a.version(), before);
  EXPECT_EQ(a.to_vector(), std::vector<double>(6, 4.0));
  const Tensor column = alias(a, {2}, {3}, 1);
  EXPECT_FALSE(column.is_contiguous());
  EXPECT_EQ(contiguous(column).strides(), Shape{1});
}

TEST(Tensor, FactoriesFillTheirShape) {
  EXPECT_EQ(linspace(0, 1, 5).to_vector(),
            (std::vector<double>{0, .25, .5, .75, 1}));
  EXPECT_EQ(linspace(3, 9, 1).to_vector(), std::vector<double>{3});
  EXPECT_EQ(full({2, 2}, 3, {DType::int64, {}}).to_vector<std::int64_t>(),
            std::vector<std::int64_t>(4, 3));
  EXPECT_EQ(from_values({2}, {}).item(), 2);
  EXPECT_EQ(zeros({0, 3}).numel(), 0);
}

TEST(Tensor, RandomNumbersDependOnSeedAndNotOnType) {
  manual_seed(3);
  const Tensor a = uniform({100}, -2, 5, {DType::float64, {}});
  manual_seed(3);
  const Tensor b = uniform({100}, -2, 5, {DType::float32, {}});
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(static_cast<float>(a.to_vector()[i]), b.data<float>()[i]);
    EXPECT_GE(a.to_vector()[i], -2);
    EXPECT_LT(a.to_vector()[i], 5);
  }
}

TEST(Tensor, SaysWhatWasExpected) {
  const Tensor a = zeros({2, 3});
  expect_error([&] { a.data<double>(); }, {"float64", "float32"});
  expect_error([&] { a.item(); }, {"one element", "(2, 3)"});
  expect_error([&] { a.size(2); }, {"dimension 2", "2 dimensions"});
  expect_error([&] { empty({-1}); }, {"negative", "(-1)"});
  expect_error([&] { empty({std::int64_t{1} << 62, 4}); }, {"representable"});
  expect_error([&] { empty({std::int64_t{1} << 62}); },
               {"out of memory", "(4611686018427387904)", "float32"});
  expect_error([&] { from_values({1, 2}, {3}); }, {"needs 3", "got 2"});
  expect_error([&] { Tensor().shape(); }, {"undefined"});
  expect_error(
      [&] {
        add(a, zeros({2, 3}, {DType::float64, {}}));
      },
      {"add", "float32", "float64"});
  expect_error([&] { add(a, zeros({4})); }, {"add", "(2, 3)", "(4)"});
  const Device missing{Device::Type::cuda, cuda_device_count()};
  expect_error(
      [&] {
        empty({2}, {DType::float32, missing});
      },
      {"cuda:" + std::to_string(missing.index)});
}

TEST(Tensor, InPlaceChangeOfAVariableNeedsNoGrad) {
  Tensor a = zeros({2});
  a.set_requires_grad();
  expect_error([&] { a.fill_(1); }, {"fill_", "NoGrad"});
  const NoGrad no_grad;
  a.fill_(1);
  a.add_(ones({2}), 2);
  a.mul_(3);
  EXPECT_EQ(a.to_vector(), (std::vector<double>{9, 9}));
}

TEST(Device, ReadsNamesAndRefusesOthers) {
  EXPECT_EQ(select_device("auto"), Device{});
  EXPECT_EQ(Device::parse("cuda:3"), (Device{Device::Type::cuda, 3}));
  expect_error([] { Device::parse("cuda:x"); }, {"cuda:x", "expected"});
  const std::string missing = "cuda:" + std::to_string(cuda_device_count());
  expect_error([&] { select_device(missing); }, {missing});
  EXPECT_THROW(select_device(missing), DeviceError);
}

}  // namespace
}  // namespace sigtape
