// Graphs replay what was captured with its arguments by value, and capture
// nothing that CUDA forbids.
#include "sigtape/framework/cuda/graph.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "sigtape/framework/cuda/runtime.h"
#include "sigtape/framework/ops.h"
#include "support/device_array.h"

#if defined(SIGTAPE_CUDA)

namespace sigtape::test {
namespace {

const TensorOptions there{DType::float64, {Device::Type::cuda, 0}};

// sum += x * scale, kernels only.
void add(Tensor& sum, const Tensor& x, double scale) {
  const Tensor scaled = mul(x, 1.);  // in the graph's memory
  sum.add_(scaled, scale);
}

struct Captured {
  Tensor sum = zeros({4}, there), x = ones({4}, there);
  double scale = 1;
  cuda::GraphMemory memory{0};
  void rehearse() {
    memory.rehearse([this] { add(sum, x, scale); });
  }
  std::unique_ptr<cuda::Graph> capture() {
    return std::make_unique<cuda::Graph>(memory,
                                         [this] { add(sum, x, scale); });
  }
};

TEST(CudaGraph, RunsWhenLaunchedAndNotWhenCaptured) {
  Captured c;
  c.rehearse();
  EXPECT_EQ(c.sum.to_vector(), std::vector<double>(4, 1));
  const auto graph = c.capture();
  EXPECT_EQ(c.sum.to_vector(), std::vector<double>(4, 1));
  graph->launch();
  graph->launch();
  EXPECT_EQ(c.sum.to_vector(), std::vector<double>(4, 3));
}

TEST(CudaGraph, ReadsDeviceMemoryAnewAndHostValuesNever) {
  Captured c;
  c.rehearse();
  const auto graph = c.capture();
  c.scale = 100;  // a value of the host: the graph keeps the old one
  c.x.fill_(7);
  graph->launch();
  EXPECT_EQ(c.sum.to_vector(), std::vector<double>(4, 8));
}

TEST(CudaGraph, RefusesWhatCudaForbids) {
  Captured c;
  c.rehearse();
  const auto refused = [&](const std::function<void()>& body) {
    EXPECT_THROW(cuda::Graph(c.memory, body), cuda::CaptureError);
    EXPECT_FALSE(cuda::is_capturing());
  };
  refused([&] { c.sum.to_vector(); });
  refused([&] { from_values({1, 2}, {2}, there); });
  refused([] { cuda::synchronise(0); });
  refused([] { empty({12345}, there); });  // memory that nobody rehearsed
  c.capture()->launch();                   // and goes on
}

#if defined(SIGTAPE_CUDA_HOST) && defined(__SANITIZE_ADDRESS__)
// As it would end on a GPU: the emulated device's memory is not the host's.
TEST(CudaGraph, AHostThatTouchesDeviceMemoryIsReported) {
  const Tensor x = ones({4}, there);
  EXPECT_DEATH(std::printf("%g", *x.data<double>()), "use-after-poison");
}
#endif

}  // namespace
}  // namespace sigtape::test

#endif
