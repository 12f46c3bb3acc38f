// What signature refuses and warns of.
#include <gtest/gtest.h>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/signature.h"
#include "support/battery.h"
#include "support/warnings.h"

namespace sigtape::test {
namespace {

const TensorOptions float64{DType::float64, {}};

void refuses(const Tensor& path, std::int64_t depth,
             const SignatureOptions& options,
             const std::vector<std::string>& fragments) {
  std::vector<std::string> all = fragments;
  all.insert(all.begin(), "signature: ");
  expect_error([&] { signature(path, depth, options); }, all);
}

TEST(SignatureErrors, Paths) {
  const std::string expected = "expected path (batch, length, channels)";
  refuses({}, 2, {}, {"expected a path"});
  refuses(zeros({4, 3}), 2, {}, {expected, "(4, 3)", "add a batch dimension"});
  refuses(zeros({3}), 2, {}, {expected, "(3)"});
  refuses(zeros({1, 2, 4, 3}), 2, {}, {expected, "(1, 2, 4, 3)"});
  for (const Shape& shape : {Shape{0, 4, 3}, Shape{2, 0, 3}, Shape{2, 4, 0}})
    refuses(empty(shape), 2, {}, {"size 0", shape.to_string()});
  refuses(zeros({2, 1, 3}), 2, {},
          {"at least 2 points", "basepoint", "(2, 1, 3)"});
  refuses(empty({2, 4, 3}, {DType::int64, {}}), 2, {},
          {"float32 or float64", "int64", "(2, 4, 3)"});
}

TEST(SignatureErrors, Depths) {
  const Tensor path = zeros({2, 4, 3});
  refuses(path, 0, {}, {"depth >= 1", "got 0"});
  refuses(path, -3, {}, {"depth >= 1", "got -3"});
}

TEST(SignatureErrors, Basepoints) {
  const Tensor path = zeros({2, 4, 3});
  refuses(path, 2, {.basepoint = zeros({3})},
          {"a basepoint of shape (2, 3)", "(2, 4, 3)", "got (3)"});
  refuses(path, 2, {.basepoint = zeros({2, 4})}, {"got (2, 4)"});
  refuses(path, 2, {.basepoint = zeros({2, 3}, float64)},
          {"a basepoint", "float32", "got float64"});
  refuses(path, 2, {.basepoint = {1.0, 2.0}}, {"3 numbers", "got 2"});
  expect_error([] { Basepoint(std::vector<double>()); },
               {"basepoint", "one number per channel"});
}

TEST(SignatureErrors, Initials) {
  const Tensor path = zeros({2, 4, 3});
  const auto with = [](const Tensor& initial, bool scalar) {
    return SignatureOptions{
        .basepoint = true, .initial = initial, .scalar_term = scalar};
  };
  refuses(path, 2, with(zeros({2, 13}), false),
          {"initial of shape (2, 12)", "got (2, 13)"});
  refuses(path, 2, with(zeros({2, 12}), true),
          {"initial of shape (2, 13)", "got (2, 12)"});
  refuses(path, 2, with(zeros({1, 12}), false), {"got (1, 12)"});
  refuses(path, 2, with(zeros({2, 12}, float64), false),
          {"initial", "float32", "got float64"});
}

TEST(SignatureErrors, Lengths) {
  const Tensor path = zeros({2, 4, 3});
  const auto with = [](std::vector<std::int64_t> lengths, bool based) {
    return SignatureOptions{.basepoint = based,
                            .lengths = from_indices(lengths)};
  };
  refuses(path, 2, with({4}, true), {"lengths (2) int64", "got (1)"});
  refuses(path, 2, {.lengths = zeros({2})}, {"got (2) float32"});
  refuses(path, 2, with({4, 5}, true), {"from 1 to 4", "got 5 for path 1"});
  refuses(path, 2, with({0, 4}, true), {"got 0 for path 0"});
  refuses(path, 2, with({4, 1}, false),
          {"from 2 to 4", "needs a basepoint", "got 1 for path 1"});
  EXPECT_NO_THROW(signature(path, 2, with({4, 1}, true)));
}

TEST(SignatureErrors, NamesTheLargestDepthThatCanBeCounted) {
  const Tensor path = zeros({1, 2, 10});
  reset_cache_statistics();
  const std::int64_t live = cache_statistics().live_bytes;
  EXPECT_THROW(signature(path, 40), UsageError);
  refuses(path, 40, {}, {"depth 40", "10 channels", "largest depth"});
  EXPECT_THROW(signature(zeros({1, 2, 1}), std::int64_t{1} << 62), UsageError);
  EXPECT_LE(cache_statistics().peak_bytes, live + 1024);
}

TEST(SignatureErrors, NamesTheLargestDepthThatThisMachineHolds) {
  ASSERT_EQ(memory_limit(), 0);
  EXPECT_THROW(signature(zeros({1, 2, 10}), 15), MemoryError);
  refuses(zeros({1, 2, 10}), 15, {}, {"GB available", "largest depth"});
}

struct MemoryLimit {
  explicit MemoryLimit(std::int64_t bytes) { set_memory_limit(bytes); }
  ~MemoryLimit() { set_memory_limit(0); }
};

TEST(SignatureErrors, NamesTheLargestDepthThatFits) {
  Tensor path = zeros({1, 2, 10});
  reset_cache_statistics();
  const std::int64_t live = cache_statistics().live_bytes;
  const MemoryLimit limit(live + 32'000'000);
  // 111110 words of float32 to depth 5, ten times that to depth 6 and so on:
  // a level more is 44 MB.
  EXPECT_THROW(signature(path, 7), MemoryError);
  refuses(path, 7, {}, {"depth 7", "10 channels", "a batch of 1"});
  EXPECT_LE(cache_statistics().peak_bytes, live + 1024);
  std::string message;
  try {
    signature(path, 9);
  } catch (const MemoryError& error) {
    message = error.what();
  }
  const std::int64_t named = std::stoll(message.substr(message.rfind(' ')));
  EXPECT_GE(named, 4);
  EXPECT_LE(named, 6);
  EXPECT_NO_THROW(signature(path, named));
  EXPECT_THROW(signature(path, named + 1), MemoryError);
}

TEST(SignatureErrors, CountsTheBackwardPassInTheMemory) {
  Tensor path = zeros({1, 2, 10}).set_requires_grad();
  const std::int64_t live = cache_statistics().live_bytes;
  for (const std::int64_t bytes : {1, 2, 4, 8, 16, 32, 64}) {
    const MemoryLimit limit(live + bytes * 1'000'000);
    try {
      const Tensor y = signature(path, 6);
      Tensor cotangent = empty_like(y).fill_(1);
      EXPECT_NO_THROW(y.backward(cotangent)) << bytes << " MB";
    } catch (const MemoryError& error) {
      EXPECT_NE(std::string(error.what()).find("largest depth"),
                std::string::npos)
          << error.what();
    }
    path.clear_grad();
  }
}

TEST(SignatureWarnings, InitialWithoutABasepoint) {
  const CollectWarnings warnings;
  const Tensor path = zeros({2, 4, 3}), before = zeros({2, 12});
  signature(path, 2, {.basepoint = true, .initial = before});
  EXPECT_TRUE(warnings.texts().empty());
  for (int i = 0; i < 3; ++i) signature(path, 2, {.initial = before});
  ASSERT_EQ(warnings.texts().size(), 1u);
  EXPECT_NE(warnings.texts()[0].find("initial without a basepoint"),
            std::string::npos);
}

}  // namespace
}  // namespace sigtape::test
