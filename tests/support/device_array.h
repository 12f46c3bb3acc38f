#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "sigtape/framework/cuda/runtime.h"

namespace sigtape::test {

/// An array in the memory of cuda:0, of exactly its size. Emulated memory is
/// guarded by the address sanitizer, and full of NaNs at first.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count)
      : count_(count), block_(cuda::allocate(bytes(), 0)) {}
  explicit DeviceArray(const std::vector<T>& values)
      : DeviceArray(values.size()) {
    cuda::copy(data(), device(), values.data(), {}, bytes());
  }
  ~DeviceArray() { cuda::release(block_, bytes(), 0); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() const { return static_cast<T*>(block_.data); }
  /// null where there are no elements.
  T* pointer() const { return count_ > 0 ? data() : nullptr; }
  std::vector<T> values() const {
    std::vector<T> result(count_);
    cuda::copy(result.data(), {}, data(), device(), bytes());
    return result;
  }

 private:
  static Device device() { return {Device::Type::cuda, 0}; }
  std::int64_t bytes() const {
    return static_cast<std::int64_t>(count_ * sizeof(T));
  }

  std::size_t count_;
  cuda::Block block_;
};

/// Skips every test of a program that includes this file where there is no
/// CUDA device.
class NeedsDevice : public ::testing::Environment {
 public:
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  }
};

inline ::testing::Environment* const needs_device =
    ::testing::AddGlobalTestEnvironment(new NeedsDevice);

}  // namespace sigtape::test
