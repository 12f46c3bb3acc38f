// A training step asks operator new for nothing from its third time on.
#include <gtest/gtest.h>

#include "sigtape/framework/allocator.h"
#include "sigtape/sigtape.h"
#include "support/allocations.h"

namespace sigtape::test {
namespace {

TEST(AllocationCounter, Counts) {
  const AllocationCounter counter;
  EXPECT_EQ(counter.count(), 0);
  ::operator delete(::operator new(8));
  EXPECT_EQ(counter.count(), 1);
  ::operator delete[](::operator new[](8));
  EXPECT_EQ(counter.count(), 2);
}

// Forward, loss and backward of a batch of streams.
void expect_no_allocation(Module& model, const Value& x) {
  Tensor target = from_indices(std::vector<std::int64_t>(x.data.size(0), 1));
  for (int step = 1; step <= 5; ++step) {
    reset_cache_statistics();
    const AllocationCounter counter;
    const Tensor loss = cross_entropy(model.forward(x).data, target);
    loss.backward();
    model.clear_gradients();
    const std::int64_t calls = counter.count();
    if (step < 3) continue;
    EXPECT_EQ(calls, 0) << "step " << step;
    EXPECT_EQ(cache_statistics().misses, 0) << "step " << step;
  }
}

TEST(TrainingStep, AllocatesNothing) {
  const auto model = signet2(3, 4, 3);
  expect_no_allocation(*model, {randn({8, 20, 3}), {}});
}

TEST(TrainingStep, AllocatesNothingForUnequalLengths) {
  const auto model = signet3(3, 4, 2);
  const std::vector<std::int64_t> lengths = {20, 13, 8, 20};
  expect_no_allocation(*model, {randn({4, 20, 3}), from_indices(lengths)});
}

TEST(TrainingStep, AllocatesNothingInTheOtherLayers) {
  const auto model = sequential(augment({.layer_sizes = {4, 4},
                                         .kernel_size = 3,
                                         .stride = 2,
                                         .padding = 1,
                                         .activation = Activation::gelu}),
                                layer_norm(), leaky_relu(), dropout(), tanh(),
                                signature({.depth = 2, .stream = true}), mean(),
                                linear({.out = 4}), sigmoid(), softplus());
  const std::vector<std::int64_t> lengths = {20, 13, 8, 20};
  expect_no_allocation(*model, {randn({4, 20, 3}), from_indices(lengths)});
}

TEST(TrainingStep, AllocatesNothingInRecurrentLayers) {
  const auto network =
      sequential(linear({.out = 4}), relu(), linear({.out = 6}));
  const auto model =
      sequential(unfold({.length = 2, .stride = 2}), rnn({.hidden = 5}),
                 gru({.hidden = 4, .layers = 2}), lstm({.hidden = 3}),
                 recur({.network = network, .memory = 2}), last());
  expect_no_allocation(*model, {randn({4, 20, 3}), {}});
}

TEST(TrainingStep, AllocatesNothingForLogSignatures) {
  const auto model = sequential(augment({.layer_sizes = {4}, .kernel_size = 2}),
                                logsignature({.depth = 3, .stream = true}),
                                mean(), linear({.out = 4}));
  const std::vector<std::int64_t> lengths = {20, 13, 8, 20};
  expect_no_allocation(*model, {randn({4, 20, 3}), from_indices(lengths)});
}

}  // namespace
}  // namespace sigtape::test
