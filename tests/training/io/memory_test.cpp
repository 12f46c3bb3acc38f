#include "sigtape/training/io/memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <memory>

namespace sigtape {
namespace {

TEST(Memory, ReadsTheLinesOfStatus) {
  const std::string status = "Name:\tx\nVmHWM:\t     300 kB\nVmRSS:\t 20 kB\n";
  EXPECT_EQ(status_bytes(status, "VmRSS"), 20u * 1024);
  EXPECT_EQ(status_bytes(status, "VmHWM"), 300u * 1024);
  EXPECT_EQ(status_bytes(status, "VmSwap"), 0u);
  EXPECT_EQ(status_bytes("", "VmRSS"), 0u);
}

TEST(Memory, ReadsTheLimitsOfControlGroups) {
  constexpr auto unlimited = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(cgroup_limit("1048576\n"), 1048576u);
  EXPECT_EQ(cgroup_limit("max\n"), unlimited);
  EXPECT_EQ(cgroup_limit(""), unlimited);
}

TEST(Memory, TheLimitIsSixTenths) {
  const double all = static_cast<double>(physical_memory_bytes());
  EXPECT_GT(all, 1 << 24);
  EXPECT_NEAR(static_cast<double>(default_memory_limit()), 0.6 * all, 10);
}

TEST(Memory, ThePeakCoversWhatWasTouchedAndFreed) {
  reset_peak_resident_bytes();
  const std::uint64_t before = resident_bytes();
  constexpr std::size_t size = std::size_t{64} << 20;
  {
    const auto block = std::make_unique<char[]>(size);
    std::memset(block.get(), 1, size);
    volatile char last = block[size - 1];
    EXPECT_EQ(last, 1);
    EXPECT_GE(resident_bytes(), before + size / 10 * 9);
  }
  EXPECT_GE(peak_resident_bytes(), before + size / 10 * 9);
}

}  // namespace
}  // namespace sigtape
