// What a kernel finds wrong is thrown by the next read, and forgotten then.
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "sigtape/framework/check.h"
#include "sigtape/framework/device.h"
#include "sigtape/framework/ops.h"

namespace sigtape::test {
namespace {

const Device gpu{Device::Type::cuda, 0};

// The error that f(device) ends with once its result is read.
std::string error_of(const std::function<Tensor(Device)>& f, Device device) {
  try {
    f(device).to_vector();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

// `start` of the CPU's message and the whole of the GPU's.
void expect_errors(const std::string& start, const std::string& rest,
                   const std::function<Tensor(Device)>& f) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  EXPECT_TRUE(error_of(f, {}).starts_with(start)) << error_of(f, {});
  EXPECT_EQ(error_of(f, gpu), start + rest);
  EXPECT_EQ(ones({2}, {DType::float64, gpu}).to_vector(),
            std::vector<double>(2, 1));
}

TEST(CudaFaults, AnIndexOutsideOfWhatIsGathered) {
  for (const std::int64_t index : {-1, 4}) {
    expect_errors(
        "gather: index " + std::to_string(index) + " is out of range",
        " for an axis of 4", [=](Device device) {
          const Tensor at =
              from_indices(std::vector<std::int64_t>{0, 3, index}).to(device);
          return gather(ones({4}, {DType::float64, device}), 0, at);
        });
  }
}

// Which of them comes first is not said, but that all numbers are of one.
TEST(CudaFaults, OneOfSeveralIsNamed) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  const std::string message = error_of(
      [](Device device) {
        const Tensor at =
            from_indices(std::vector<std::int64_t>{7, 0, -1, 9}).to(device);
        return gather(ones({4}, {DType::float64, device}), 0, at);
      },
      gpu);
  std::set<std::string> expected;
  for (const char* index : {"7", "-1", "9"}) {
    expected.insert(std::string("gather: index ") + index +
                    " is out of range for an axis of 4");
  }
  EXPECT_TRUE(expected.contains(message)) << message;
}

TEST(CudaFaults, AnIndexOutsideOfWhatIsAddedTo) {
  for (const std::int64_t index : {-1, 4}) {
    expect_errors(
        "scatter_add: index " + std::to_string(index) + " is out of range",
        " for an axis of 4", [=](Device device) {
          const Tensor at =
              from_indices(std::vector<std::int64_t>{0, 3, index}).to(device);
          const TensorOptions there{DType::float64, device};
          return scatter_add({4}, 0, at, ones({3}, there));
        });
  }
}

TEST(CudaFaults, AClassThatThereIsNot) {
  for (const std::int64_t target : {-1, 3}) {
    expect_errors(
        "cross_entropy: target 1 is " + std::to_string(target) +
            ", expected a class in 0..2 (3 classes)",
        "", [=](Device device) {
          const Tensor targets =
              from_indices(std::vector<std::int64_t>{2, target}).to(device);
          return cross_entropy(ones({2, 3}, {DType::float64, device}), targets);
        });
  }
}

TEST(CudaFaults, ATargetThatIsNoProbability) {
  expect_errors(
      "binary_cross_entropy_with_logits: target 1.5, expected a number in "
      "[0, 1]",
      "", [](Device device) {
        const TensorOptions there{DType::float64, device};
        return binary_cross_entropy_with_logits(ones({2}, there),
                                                full({2}, 1.5, there));
      });
}

}  // namespace
}  // namespace sigtape::test
