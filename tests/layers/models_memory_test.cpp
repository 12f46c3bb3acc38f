#include <gtest/gtest.h>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/ops.h"
#include "sigtape/layers/models.h"

namespace sigtape::test {
namespace {

// The most bytes alive in forward and backward of a SigNet3 of 3 channels,
// beyond its parameters and its input.
std::int64_t step_bytes(std::int64_t batch, std::int64_t length,
                        std::int64_t depth) {
  manual_seed(1);
  const auto model = signet3(3, 10, depth);
  model->build({length, 3, false});
  const Tensor x = randn({batch, length, 3}), target = randn({batch, 10});
  reset_cache_statistics();
  const std::int64_t before = cache_statistics().live_bytes;
  mse_loss((*model)(x), target).backward();
  return cache_statistics().peak_bytes - before;
}

// 590 MB in Signatory on the same model.
TEST(ModelsMemory, SigNet3NeverStoresItsStreamOfSignatures) {
  EXPECT_LE(step_bytes(16, 500, 4), 590'000'000 / 30);
}

// The stream of signatures alone would take 5.6 GB.
TEST(ModelsMemory, SigNet3OfLongStreamsTrainsWithin300Megabytes) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "instrumented code takes too long";
#endif
  EXPECT_LE(step_bytes(128, 2000, 4), 300'000'000);
}

}  // namespace
}  // namespace sigtape::test
