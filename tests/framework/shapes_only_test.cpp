#include "sigtape/framework/shapes_only.h"

#include <gtest/gtest.h>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/check.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/system_memory.h"
#include "sigtape/framework/tape.h"

namespace sigtape {
namespace {

// A little network with its gradients; the most bytes that were alive.
template <class Peak>
std::int64_t trained(std::int64_t width, const Peak& peak) {
  const std::int64_t before = cache_statistics().live_bytes;
  reset_cache_statistics();
  Tensor w = randn({width, 50}), v = randn({10, width});
  w.set_requires_grad();
  v.set_requires_grad();
  const Tensor x = randn({300, 50}), y = randn({300, 10});
  mse_loss(linear(tanh(linear(x, w)), v), y).backward();
  EXPECT_EQ(w.grad().shape(), (Shape{width, 50}));
  return peak(before);
}

std::int64_t planned(std::int64_t width) {
  const ShapesOnly shapes;
  return trained(width, [&](std::int64_t) { return shapes.peak_bytes(); });
}

TEST(ShapesOnly, CountsWhatTheComputationTakes) {
  planned(1);  // a thread's first tape stays
  for (const std::int64_t width : {1, 7, 100, 600}) {
    const std::int64_t measured = trained(width, [](std::int64_t before) {
      return cache_statistics().peak_bytes - before;
    });
    EXPECT_EQ(planned(width), measured);
  }
}

TEST(ShapesOnly, TakesNoMemoryAndPassesAnyLimit) {
  const CacheStatistics before = cache_statistics();
  set_memory_limit(before.live_bytes + 1000);
  EXPECT_GT(planned(10'000'000), std::int64_t{1} << 33);
  set_memory_limit(0);
  const CacheStatistics after = cache_statistics();
  EXPECT_EQ(after.live_bytes, before.live_bytes);
  EXPECT_LT(after.cached_bytes, before.cached_bytes + 100'000);
}

TEST(ShapesOnly, IntegersAreComputed) {
  const ShapesOnly shapes;
  const Tensor index = from_indices(std::vector<std::int64_t>{2, 0});
  EXPECT_EQ(clone(slice(index, 0, 0, 1)).item<std::int64_t>(), 2);
  EXPECT_EQ(gather(randn({3}), 0, index).shape(), (Shape{2}));
}

TEST(ShapesOnly, FloatingElementsMustNotBeRead) {
  const ShapesOnly shapes;
  EXPECT_THROW(randn({100}).to_vector(), UsageError);
  EXPECT_THROW(ShapesOnly(), UsageError);
}

TEST(ShapesOnly, RefusesWhatCannotBeCounted) {
  const ShapesOnly shapes;
  EXPECT_THROW(empty({std::int64_t{1} << 58}), MemoryError);
  const Tensor a = empty({std::int64_t{1} << 57}), b = empty(a.shape()),
               c = empty(a.shape()), d = empty(a.shape());
  EXPECT_THROW(empty(a.shape()), MemoryError);
}

TEST(ShapesOnly, NamesWhatLayersTake) {
  const ShapesOnly shapes;
  Tensor kept;
  {
    const LayerScope scope("wide");
    kept = randn({1000});
  }
  const Tensor other = randn({10});
  EXPECT_EQ(shapes.layers_at_peak().at("wide"), 4000);
  EXPECT_EQ(shapes.layers_at_peak().at(""), 40);
  EXPECT_GE(shapes.peak_bytes(), 4040);
}

// What operations believe to be there.
TEST(ShapesOnly, ALimitIsWhatItLeaves) {
  {
    const ShapesOnly shapes;
    EXPECT_EQ(available_memory(), std::int64_t{1} << 50);
  }
  const std::int64_t before = cache_statistics().live_bytes;
  const ShapesOnly shapes(before + 1'000'000);
  EXPECT_EQ(available_memory(), 1'000'000);
  const Tensor a = empty({100'000});
  EXPECT_LE(available_memory(), 600'000);
  EXPECT_GE(available_memory(), 590'000);
}

TEST(ShapesOnly, GraphsEndWithIt) {
  {
    const ShapesOnly shapes;
    EXPECT_TRUE(shapes_only());
    Tensor w = randn({5});
    w.set_requires_grad();
    sum(mul(w, w)).backward();
  }
  EXPECT_FALSE(shapes_only());
  Tensor w = ones({5});
  w.set_requires_grad();
  sum(mul(w, w)).backward();
  EXPECT_EQ(w.grad().to_vector(), std::vector<double>(5, 2));
}

}  // namespace
}  // namespace sigtape
