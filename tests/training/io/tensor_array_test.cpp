#include "sigtape/training/io/tensor_array.h"

#include <gtest/gtest.h>

#include "sigtape/training/io/safetensors.h"

namespace sigtape {
namespace {

TEST(TensorArray, KeepsTheBitsOfEveryType) {
  for (const DType dtype : {DType::float32, DType::float64, DType::int64}) {
    const Tensor tensor =
        from_values({1, -2, 3, 4, 5, 60}, {2, 3}, {.dtype = dtype});
    const NamedArray array = to_named_array("a", tensor);
    EXPECT_EQ(array.dtype, dtype);
    EXPECT_EQ(array.shape, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(to_tensor(array).to_vector(), tensor.to_vector());
    EXPECT_EQ(to_tensor(array).shape(), tensor.shape());
  }
}

TEST(TensorArray, WritesViewsInRowMajorOrder) {
  const Tensor tensor = from_values({1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor transposed = alias(tensor, {3, 2}, {1, 3}, 0);
  EXPECT_EQ(to_tensor(to_named_array("a", transposed)).to_vector(),
            (std::vector<double>{1, 4, 2, 5, 3, 6}));
}

TEST(TensorArray, HoldsScalarsAndEmptyArrays) {
  EXPECT_EQ(to_tensor(to_named_array("a", full({}, 7))).item(), 7);
  EXPECT_EQ(to_tensor(to_named_array("a", empty({0, 3}))).shape(),
            Shape({0, 3}));
}

TEST(TensorArray, FillsAParameterInPlace) {
  Tensor weight = zeros({2}, {.dtype = DType::float64});
  weight.set_requires_grad();
  const Tensor same_storage = weight;
  copy_array_into(weight, to_named_array("w", from_values({0.5, 2}, {2})), "f");
  EXPECT_EQ(same_storage.to_vector(), (std::vector<double>{0.5, 2}));
  EXPECT_TRUE(weight.requires_grad());
}

std::string refusal(const NamedArray& array) {
  Tensor weight = zeros({2, 3});
  try {
    copy_array_into(weight, array, "w.safetensors");
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(TensorArray, NamesWhatDoesNotFit) {
  EXPECT_EQ(refusal(to_named_array("linear.bias", zeros({3, 2}))),
            "w.safetensors: 'linear.bias': expected shape (2, 3), got (3, 2)");
  EXPECT_EQ(
      refusal(to_named_array("w", zeros({2, 3}, {.dtype = DType::int64}))),
      "w.safetensors: 'w': expected float32, got int64");
  EXPECT_NE(refusal({"w", DType::float32, std::vector<std::int64_t>(9, 1),
                     std::vector<std::byte>(4)}),
            "");
}

}  // namespace
}  // namespace sigtape
