// What signature keeps for backward, and takes from the system.
#include <gtest/gtest.h>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/node.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/signature.h"
#include "support/allocations.h"
#include "support/battery.h"
#include "support/warnings.h"

namespace sigtape::test {
namespace {

// The path and some prefixes, not one for each point.
TEST(SignatureMemory, KeepsFarLessThanAStream) {
  const std::int64_t length = 1000, channels = 4;
  for (const int depth : {2, 3, 5}) {
    Tensor path =
        random_tensor({2, length, channels}).mul_(.1).set_requires_grad();
    const Tensor y = signature(path, depth, {.basepoint = true});
    const std::int64_t stream = length * y.numel() * 8;
    EXPECT_LE(y.node()->saved_bytes(), path.numel() * 8 + stream / 8) << depth;
  }
}

TEST(SignatureMemory, SavesNothingWithoutRecording) {
  Tensor path = random_tensor({2, 50, 3}).set_requires_grad();
  const NoGrad no_grad;
  EXPECT_FALSE(signature(path, 3).node());
}

TEST(SignatureMemory, RefusesAPathChangedSince) {
  Tensor path = random_tensor({2, 5, 3}).set_requires_grad();
  const Tensor y = signature(path, 2);
  {
    const NoGrad no_grad;
    path.mul_(2);
  }
  expect_error([&] { y.backward(random_tensor(y.shape())); },
               {"signature", "changed in place"});
}

TEST(SignatureMemory, SteadyStateAsksTheSystemForNothing) {
  const CollectWarnings initial_without_basepoint;
  Tensor path = random_tensor({5, 20, 3}).set_requires_grad();
  Tensor points = random_tensor({5, 3}).set_requires_grad();
  Tensor initial = random_tensor({5, 39}).set_requires_grad();
  const Tensor lengths =
      from_indices(std::vector<std::int64_t>{20, 2, 7, 9, 20});
  const std::vector<SignatureOptions> uses = {
      {},
      {.stream = true, .basepoint = points, .lengths = lengths},
      {.basepoint = {1.0, 2.0, 3.0}, .inverse = true},
      {.initial = initial}};
  std::int64_t before = 0, misses = 0;
  for (int step = 0; step < 6; ++step) {
    if (step == 3) {
      before = allocations();
      misses = cache_statistics().misses;
    }
    for (const SignatureOptions& options : uses) {
      const Tensor y = signature(path, 3, options);
      y.backward(empty_like(y).fill_(1));
      path.clear_grad();
      points.clear_grad();
      initial.clear_grad();
    }
  }
  EXPECT_EQ(allocations(), before);
  EXPECT_EQ(cache_statistics().misses, misses);
}

}  // namespace
}  // namespace sigtape::test
