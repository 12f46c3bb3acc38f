#include "sigtape/framework/parallel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "sigtape/framework/check.h"
#include "sigtape/framework/parallel_backwards.h"

namespace sigtape {
namespace {

class Parallel : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_num_threads(GetParam()); }
  void TearDown() override { set_num_threads(2); }
};

TEST_P(Parallel, RunsEveryTileOnce) {
  for (const int tiles : {0, 1, 2, 5, 1000}) {
    std::vector<int> runs(tiles);
    parallel_for(tiles, [&](std::int64_t t) { ++runs[t]; });
    EXPECT_EQ(std::accumulate(runs.begin(), runs.end(), 0), tiles);
    for (const int n : runs) EXPECT_EQ(n, 1);
  }
}

TEST_P(Parallel, RangesCoverAllOnce) {
  std::vector<int> runs(1001);
  parallel_ranges(1001, 10, [&](std::int64_t begin, std::int64_t end) {
    EXPECT_LE(end - begin, 10);
    for (; begin < end; ++begin) ++runs[begin];
  });
  for (const int n : runs) EXPECT_EQ(n, 1);
}

TEST_P(Parallel, PartsCoverAllOnceAndAreOfAboutEqualSize) {
  for (const int count : {0, 1, 7, 1001}) {
    std::vector<int> runs(count);
    parallel_parts(count, 8, [&](std::int64_t begin, std::int64_t end) {
      EXPECT_LE(std::abs(8 * (end - begin) - count), 8);
      for (; begin < end; ++begin) ++runs[begin];
    });
    for (const int n : runs) EXPECT_EQ(n, 1);
  }
}

TEST_P(Parallel, BackwardsRunsEveryTileOnce) {
  for (const int tiles : {0, 1, 2, 5, 1000}) {
    std::vector<int> runs(tiles), order;
    parallel_for_backwards(tiles, [&](std::int64_t t) {
      ++runs[t];
      if (GetParam() == 1) order.push_back(static_cast<int>(t));
    });
    for (const int n : runs) EXPECT_EQ(n, 1);
    EXPECT_TRUE(std::is_sorted(order.rbegin(), order.rend()));
  }
}

TEST_P(Parallel, NestedCallsAreSerial) {
  std::atomic<int> runs = 0;
  parallel_for(
      4, [&](std::int64_t) { parallel_for(5, [&](std::int64_t) { ++runs; }); });
  EXPECT_EQ(runs, 20);
}

TEST_P(Parallel, RethrowsAndGoesOnWorking) {
  const auto failing = [](std::int64_t t) {
    if (t == 3) throw std::runtime_error("tile 3");
  };
  EXPECT_THROW(parallel_for(10, failing), std::runtime_error);
  std::atomic<int> runs = 0;
  parallel_for(10, [&](std::int64_t) { ++runs; });
  EXPECT_EQ(runs, 10);
}

INSTANTIATE_TEST_SUITE_P(Threads, Parallel, testing::Values(1, 2, 7));

TEST(Threads, AForkedProcessMakesItsOwn) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the thread sanitizer ends a forked process that has threads";
#endif
  set_num_threads(7);
  std::atomic<int> runs = 0;
  const auto count = [&](std::int64_t) { ++runs; };
  parallel_for(100, count);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    runs = 0;
    for (int i = 0; i < 50; ++i) parallel_for(100, count);
    set_num_threads(3);
    parallel_for(100, count);
    std::quick_exit(runs == 5100 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  parallel_for(100, count);
  EXPECT_EQ(runs, 200);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Threads, AsManyAsThereIsMemoryForDoTheWork) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    const rlimit limit = {rlim_t{1} << 30, rlim_t{1} << 30};
    ::setrlimit(RLIMIT_AS, &limit);  // the stacks of 2000 threads are more
    set_num_threads(2000);
    std::atomic<int> runs = 0;
    for (int i = 0; i < 3; ++i)
      parallel_for(1000, [&](std::int64_t) { ++runs; });
    std::quick_exit(runs == 3000 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}
#endif

TEST(Threads, RefusesNone) {
  EXPECT_THROW(set_num_threads(0), UsageError);
  EXPECT_GE(num_threads(), 1);
}

}  // namespace
}  // namespace sigtape
