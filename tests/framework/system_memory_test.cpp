#include "sigtape/framework/system_memory.h"

#include <gtest/gtest.h>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/tensor.h"

namespace sigtape::test {
namespace {

TEST(SystemMemory, AvailableIsTheLimitLessWhatTensorsTake) {
  const Tensor before = empty({1000});
  set_memory_limit(1'000'000);
  const std::int64_t live = cache_statistics().live_bytes;
  EXPECT_EQ(available_memory(), 1'000'000 - live);
  {
    const Tensor more = empty({100'000});
    EXPECT_LE(available_memory(), 600'000);
  }
  EXPECT_EQ(available_memory(), 1'000'000 - live);
  set_memory_limit(1);
  EXPECT_EQ(available_memory(), 0);
  set_memory_limit(0);
  EXPECT_GT(available_memory(), 1'000'000);
  EXPECT_LE(static_cast<std::uint64_t>(available_memory()),
            physical_memory_bytes());
}

}  // namespace
}  // namespace sigtape::test
