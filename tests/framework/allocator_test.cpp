#include "sigtape/framework/allocator.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "sigtape/framework/check.h"
#include "sigtape/framework/random.h"

namespace sigtape {
namespace {

TEST(Allocator, AlignsAndKeepsBlocksApart) {
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  for (std::size_t i = 0; i < 500; ++i) {
    const std::size_t bytes = philox(1, i)[0] % 5000;
    auto* block = static_cast<unsigned char*>(cache_allocate(bytes));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0u);
    std::memset(block, static_cast<int>(i % 251), bytes);
    blocks.emplace_back(block, bytes);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    for (std::size_t b = 0; b < blocks[i].second; ++b) {
      ASSERT_EQ(blocks[i].first[b], i % 251);
    }
    cache_free(blocks[i].first);
  }
}

// The requests of a step, and of one with a smaller batch, in the same order.
void step(std::size_t batch) {
  std::vector<void*> live;
  for (std::size_t i = 1; i < 40; ++i) {
    live.push_back(cache_allocate(batch * 100 * (1 + i * 7 % 13)));
    if (i % 3 == 0) {
      cache_free(live[live.size() / 2]);
      live.erase(live.begin() + static_cast<long>(live.size() / 2));
    }
  }
  for (void* block : live) cache_free(block);
}

TEST(Allocator, AShorterBatchLivesInWhatAFullOneLeft) {
  step(128);
  reset_cache_statistics();
  step(128);
  EXPECT_EQ(cache_statistics().misses, 0);
  for (const std::size_t batch : {127, 64, 33, 11}) step(batch);
  EXPECT_EQ(cache_statistics().misses, 0);
  EXPECT_GT(cache_statistics().hits, 0);
}

TEST(Allocator, CountsBytesAndGivesThemBack) {
  const std::int64_t before = cache_statistics().live_bytes;
  reset_cache_statistics();
  void* block = cache_allocate(100000);
  EXPECT_EQ(cache_statistics().live_bytes, before + 100000);
  cache_free(block);
  EXPECT_EQ(cache_statistics().live_bytes, before);
  EXPECT_EQ(cache_statistics().peak_bytes, before + 100000);
  EXPECT_GE(cache_statistics().cached_bytes, 100000);
  empty_cache();
  EXPECT_EQ(cache_statistics().cached_bytes, 0);
}

TEST(Allocator, NamesTheLimitThatItKeeps) {
  set_memory_limit(cache_statistics().live_bytes + 1000);
  EXPECT_THROW(cache_allocate(1001), MemoryError);
  cache_free(cache_allocate(1000));
  set_memory_limit(0);
  EXPECT_THROW(cache_allocate(std::size_t{1} << 61), MemoryError);
}

TEST(Allocator, ServesThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) threads.emplace_back([] { step(16); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(cache_statistics().hits, 0);
}

}  // namespace
}  // namespace sigtape
