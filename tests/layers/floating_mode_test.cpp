#include <gtest/gtest.h>

#include <array>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/layers/models.h"

#if defined(__x86_64__)
namespace sigtape::test {
namespace {

// Whether numbers too small to be normal count as zero, as results or as
// operands, in every thread that had a tile.
std::array<bool, 64> flushing_threads() {
  std::array<bool, 64> flushing{};
  parallel_for(64, [&](std::int64_t tile) {
    flushing[tile] = __builtin_ia32_stmxcsr() & (1 << 15 | 1 << 6);
  });
  return flushing;
}

TEST(FloatingMode, EveryThreadHasItAsItWas) {
  const std::array<bool, 64> before = flushing_threads();
  const auto model = signet3(3, 2, 2);
  model->build({40, 3, false});
  const Tensor x = randn({40, 40, 3});
  mse_loss((*model)(x), zeros({40, 2})).backward();
  EXPECT_EQ(flushing_threads(), before);
  for (const bool flushing : before) EXPECT_FALSE(flushing);
}

}  // namespace
}  // namespace sigtape::test
#endif
