// What log-signatures refuse, and in which words.
#include <gtest/gtest.h>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/logsignature.h"
#include "support/allocations.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

TEST(LogSignature, RefusesWhatASignatureRefuses) {
  const Tensor path = random_tensor({2, 4, 3});
  const auto error = [](const Tensor& x, std::int64_t depth,
                        const std::vector<std::string>& fragments) {
    expect_error([&] { logsignature(x, depth); }, fragments);
  };
  error({}, 2, {"logsignature: ", "no tensor"});
  error(random_tensor({4, 3}), 2,
        {"logsignature: ", "(4, 3)", "add a batch dimension"});
  error(random_tensor({2, 0, 3}), 2, {"logsignature: ", "size 0"});
  error(random_tensor({2, 1, 3}), 2,
        {"logsignature: ", "at least 2 points", "(2, 1, 3)"});
  error(path, 0, {"logsignature: ", "depth >= 1", "got 0"});
  error(empty({2, 4, 3}, {DType::int64, {}}), 2,
        {"logsignature: ", "float32 or float64", "int64"});
  error(path, 100, {"logsignature: ", "largest depth"});
  expect_error(
      [&] {
        logsignature(path, 2, {.basepoint = zeros({2, 2})});
      },
      {"logsignature: ", "basepoint", "(2, 3)", "(2, 2)"});
  expect_error(
      [&] {
        const std::vector<std::int64_t> lengths = {4, 5};
        logsignature(path, 2, {.lengths = from_indices(lengths)});
      },
      {"logsignature: ", "lengths", "got 5 for path 1"});
}

TEST(LogSignature, NamesTheLargestDepthThatFits) {
  set_memory_limit(64 << 20);
  const Tensor path = random_tensor({8, 4, 5});
  try {
    logsignature(path, 9);
    ADD_FAILURE() << "64 MiB are enough";
  } catch (const MemoryError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("logsignature: depth 9 over 5 channels needs"),
              std::string::npos)
        << message;
    const std::string before_depth = "the largest depth that fits is ";
    const auto at = message.find(before_depth);
    ASSERT_NE(at, std::string::npos) << message;
    EXPECT_NO_THROW(logsignature(
        path, std::stoi(message.substr(at + before_depth.size()))));
  }
  expect_error(
      [] {
        signature_to_logsignature(random_tensor({8, 12}), 5, 9);
      },
      {"signature_to_logsignature: depth 9", "largest depth that fits"});
  set_memory_limit(0);
}

TEST(SignatureToLogSignature, RefusesWhatDoesNotFit) {
  const auto error = [](const Tensor& s, const LogSignatureConversion& options,
                        const std::vector<std::string>& fragments) {
    expect_error([&] { signature_to_logsignature(s, 3, 2, options); },
                 fragments);
  };
  const std::string op = "signature_to_logsignature: ";
  const Tensor s = random_tensor({2, 12});
  error({}, {}, {op, "no tensor"});
  error(random_tensor({12}), {}, {op, "(batch, columns)", "(12)"});
  error(s, {.stream = true}, {op, "(batch, rows, columns)", "(2, 12)"});
  error(random_tensor({2, 4, 12}), {}, {op, "stream = true", "(2, 4, 12)"});
  error(random_tensor({2, 13}), {},
        {op, "12 columns", "3 channels", "(2, 13)"});
  error(s, {.scalar_term = true}, {op, "13 columns", "scalar term"});
  error(random_tensor({0, 12}), {}, {op, "size 0"});
  error(empty({2, 12}, {DType::int64, {}}), {}, {op, "int64"});
  expect_error([&] { signature_to_logsignature(s, 0, 2); },
               {op, "at least 1 channel", "got 0"});
  expect_error([&] { signature_to_logsignature(s, 3, 0); },
               {op, "depth >= 1", "got 0"});
  expect_error([&] { signature_to_logsignature(s, 3, 90); },
               {op, "more words than can be counted"});
}

TEST(LogSignatureToSignature, RefusesWhatDoesNotFit) {
  const auto error = [](const Tensor& l, const LogSignatureConversion& options,
                        const std::vector<std::string>& fragments) {
    expect_error([&] { logsignature_to_signature(l, 3, 2, options); },
                 fragments);
  };
  const std::string op = "logsignature_to_signature: ";
  error(random_tensor({2, 12}), {}, {op, "6 columns", "(2, 12)"});
  error(random_tensor({2, 6}), {.mode = LogSignatureMode::expand},
        {op, "12 columns", "(2, 6)"});
  error(random_tensor({6}), {}, {op, "(batch, columns)", "(6)"});
}

TEST(LogSignature, KeepsOnlyTheSignature) {
  Tensor x = random_tensor({4, 10, 3}).set_requires_grad();
  const Tensor s = signature(x, 3);
  const Tensor y = signature_to_logsignature(s, 3, 3);
  EXPECT_EQ(y.node()->saved_bytes(), 4 * 39 * 8);
}

TEST(LogSignature, AllocatesNothingFromTheThirdStepOn) {
  Tensor path = random_tensor({20, 10, 3}).set_requires_grad();
  for (const auto mode : {LogSignatureMode::expand, LogSignatureMode::words,
                          LogSignatureMode::brackets}) {
    Tensor g = random_tensor({20, logsignature_columns(3, 4, mode)});
    for (int step = 1; step <= 5; ++step) {
      reset_cache_statistics();
      const AllocationCounter counter;
      logsignature(path, 4, {.mode = mode}).backward(g);
      path.clear_grad();
      const std::int64_t calls = counter.count();
      if (step < 3) continue;
      EXPECT_EQ(calls, 0) << "step " << step;
      EXPECT_EQ(cache_statistics().misses, 0) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace sigtape::test
