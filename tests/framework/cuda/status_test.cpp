// The sentences for what CUDA calls come to.
#include "sigtape/framework/cuda/status.h"

#include <gtest/gtest.h>

#include "sigtape/framework/check.h"
#include "support/battery.h"

namespace sigtape::cuda {
namespace {

TEST(CudaStatus, SaysWhyThereIsNoDevice) {
  const CallResult fine{0, "cudaSuccess", "no error"};
  const CallResult old{35, "cudaErrorInsufficientDriver", "old"};
  const CallResult none{100, "cudaErrorNoDevice", "none"};
  const CallResult other{802, "cudaErrorSystemNotReady", "not ready"};
  EXPECT_EQ(why_no_device(old, 0, 13000),
            "there is no CUDA device: no driver is installed");
  EXPECT_EQ(why_no_device(old, 12020, 13010),
            "the driver supports CUDA 12.2, this program needs 13.1 or later");
  EXPECT_EQ(why_no_device(none, 13000, 13000), "there is no CUDA device");
  EXPECT_EQ(why_no_device(fine, 13000, 13000), "there is no CUDA device");
  EXPECT_EQ(why_no_device(other, 13000, 13000),
            "CUDA: not ready (cudaErrorSystemNotReady)");
}

template <class E>
std::string said(int code) {
  try {
    fail_call("a copy", {code, "cudaErrorName", "CUDA's words"});
  } catch (const E& error) {
    return error.what();
  }
}

TEST(CudaStatus, TellsFaultsFromFullMemory) {
  for (const int code : {214, 700, 702, 710, 714, 715, 716, 717, 718, 719}) {
    const std::string text = said<DeviceError>(code);
    EXPECT_NE(text.find("the GPU stopped: "), std::string::npos) << text;
    EXPECT_NE(text.find("(cudaErrorName, seen at a copy)"), std::string::npos);
  }
  EXPECT_NE(said<MemoryError>(2).find("out of memory"), std::string::npos);
  EXPECT_NE(said<DeviceError>(209).find("ARCHITECTURES"), std::string::npos);
  EXPECT_NE(said<DeviceError>(46).find("another program"), std::string::npos);
  EXPECT_EQ(said<DeviceError>(1),
            "CUDA: a copy failed: CUDA's words (cudaErrorName)");
}

}  // namespace
}  // namespace sigtape::cuda
