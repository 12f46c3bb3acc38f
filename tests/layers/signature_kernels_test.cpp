// The vector kernels of every instruction set against the plain kernels in
// float64, over sizes around the number of lanes and all flags.

#include "sigtape/layers/signature/signature_kernels.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>

#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/layers/signature/signature_plan.h"
#include "support/signature_runner.h"

namespace sigtape::test {
namespace {

constexpr double kFloat32 = 1e-5, kFloat64 = 1e-12;

template <class T>
void expect_equal(const SignatureShape& shape, std::uint32_t seed,
                  double tolerance) {
  SignatureCase<T> c = random_case<T>(shape, seed);
  SignatureCase<double> expected = to_double(c);
  run_kernels(c);
  run_reference(expected);
  const std::string text = describe(shape);
  EXPECT_LE(relative_error(c.signature, expected.signature), tolerance) << text;
  EXPECT_LE(relative_error(c.dpath, expected.dpath), tolerance) << text;
  EXPECT_LE(relative_error(c.dbasepoint, expected.dbasepoint), tolerance)
      << text;
  EXPECT_LE(relative_error(c.dinitial, expected.dinitial), tolerance) << text;
}

void expect_equal(const SignatureShape& shape, std::uint32_t seed) {
  expect_equal<float>(shape, seed, kFloat32);
  expect_equal<double>(shape, seed, kFloat64);
}

/// Runs the tests below once for every set this processor has.
class SignatureKernels : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!isa_supported(GetParam()))
      GTEST_SKIP() << isa_name(GetParam()) << " cannot run here";
  }
};

TEST_P(SignatureKernels, BatchesAroundTheNumberOfLanes) {
  const ScopedIsa forced(GetParam());
  for (const int batch : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33})
    for (const int channels : {2, 3, 4})
      for (const int depth : {2, 3, 4})
        expect_equal(
            {.batch = batch, .length = 6, .channels = channels, .depth = depth},
            batch);
}

TEST_P(SignatureKernels, ChannelsAndDepths) {
  const ScopedIsa forced(GetParam());
  for (int channels = 1; channels <= 13; ++channels)
    for (int depth = 1; depth <= (channels < 3   ? 9
                                  : channels < 5 ? 6
                                                 : 3);
         ++depth)
      for (const int batch : {1, 17})
        expect_equal(
            {.batch = batch, .length = 5, .channels = channels, .depth = depth},
            channels * 10 + depth);
}

TEST_P(SignatureKernels, LengthsAroundTheBlocksOfTime) {
  const ScopedIsa forced(GetParam());
  for (const int length : {2, 3, 17, 24, 25, 26, 33, 34, 64, 65, 66, 130})
    for (const bool stream : {false, true})
      for (const int channels : {2, 3, 5})
        expect_equal({.batch = 3,
                      .length = length,
                      .channels = channels,
                      .depth = 3,
                      .stream = stream},
                     length);
}

// What is walked as one tile of registers, over several blocks of time.
TEST_P(SignatureKernels, TilesOverSeveralBlocks) {
  const ScopedIsa forced(GetParam());
  for (const auto& [channels, depth] : {std::pair{2, 4},
                                        {2, 5},
                                        {2, 7},
                                        {3, 5},
                                        {4, 4},
                                        {5, 4},
                                        {6, 3},
                                        {7, 3},
                                        {8, 3},
                                        {9, 3},
                                        {10, 3}})
    for (const int batch : {1, 17})
      expect_equal(
          {.batch = batch, .length = 75, .channels = channels, .depth = depth},
          channels);
}

// States that leave the second-level cache are cut by prefixes, also where
// paths alone would fill the lanes.
TEST_P(SignatureKernels, LargeStatesOfManyPaths) {
  const ScopedIsa forced(GetParam());
  expect_equal({.batch = 17,
                .length = 40,
                .channels = 3,
                .depth = 9,
                .basepoint = BasepointKind::per_path,
                .initial = true},
               3);
}

// Depth 2 has a backward pass of its own.
TEST_P(SignatureKernels, DepthTwo) {
  const ScopedIsa forced(GetParam());
  for (const int channels : {2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33})
    for (const int length : {1, 2, 3, 4, 11, 200, 400})
      for (const bool based : {false, true})
        for (const bool lengths : {false, true})
          if (length > 1 || based)
            expect_equal({.batch = 3,
                          .length = length,
                          .channels = channels,
                          .depth = 2,
                          .basepoint = based ? BasepointKind::shared
                                             : BasepointKind::none,
                          .lengths = lengths},
                         channels);
  expect_equal<double>({.batch = 2, .length = 9001, .channels = 3, .depth = 2},
                       5, kFloat64);
}

TEST_P(SignatureKernels, EveryCombinationOfFlags) {
  const ScopedIsa forced(GetParam());
  const BasepointKind basepoints[] = {BasepointKind::none, BasepointKind::zero,
                                      BasepointKind::shared,
                                      BasepointKind::per_path};
  for (unsigned flags = 0; flags < 128; ++flags)
    for (const auto& [batch, channels, depth] :
         {std::tuple{1, 3, 4}, {5, 2, 5}, {18, 4, 3}, {2, 6, 2}, {9, 17, 2}}) {
      expect_equal({.batch = batch,
                    .length = 7,
                    .channels = channels,
                    .depth = depth,
                    .stream = (flags & 1) != 0,
                    .inverse = (flags & 2) != 0,
                    .scalar_term = (flags & 4) != 0,
                    .basepoint = basepoints[flags >> 5],
                    .initial = (flags & 8) != 0,
                    .lengths = (flags & 16) != 0},
                   flags);
    }
}

// Few long paths are cut into pieces, whose signatures are multiplied.
TEST_P(SignatureKernels, PiecesOfLongPaths) {
  const ScopedIsa forced(GetParam());
  const BasepointKind basepoints[] = {BasepointKind::none, BasepointKind::zero,
                                      BasepointKind::shared,
                                      BasepointKind::per_path};
  for (unsigned flags = 0; flags < 64; ++flags)
    for (const auto& [batch, length, channels] :
         {std::tuple{1, 519, 3}, {3, 403, 2}}) {
      const SignatureShape shape = {.batch = batch,
                                    .length = length,
                                    .channels = channels,
                                    .depth = 4,
                                    .inverse = (flags & 1) != 0,
                                    .scalar_term = (flags & 2) != 0,
                                    .basepoint = basepoints[flags >> 4],
                                    .initial = (flags & 4) != 0,
                                    .lengths = (flags & 8) != 0};
      ASSERT_GT(cpu::make_signature_plan(shape, 16, 4).pieces, 1);
      expect_equal(shape, flags);
    }
}

// One group of much work is cut into tasks of some letters each.
TEST_P(SignatureKernels, SplitsOfAGroup) {
  const ScopedIsa forced(GetParam());
  const BasepointKind basepoints[] = {BasepointKind::none, BasepointKind::zero,
                                      BasepointKind::shared,
                                      BasepointKind::per_path};
  for (unsigned flags = 0; flags < 64; flags += 7)
    for (const auto& [batch, length, channels, depth] :
         {std::tuple{1, 127, 4, 7}, {16, 63, 2, 10}, {15, 63, 3, 7}}) {
      const SignatureShape shape = {.batch = batch,
                                    .length = length,
                                    .channels = channels,
                                    .depth = depth,
                                    .inverse = (flags & 1) != 0,
                                    .scalar_term = (flags & 2) != 0,
                                    .basepoint = basepoints[flags >> 4],
                                    .initial = (flags & 4) != 0,
                                    .lengths = (flags & 8) != 0};
      ASSERT_GT(cpu::make_signature_plan(shape, 16, 4).splits, 1);
      expect_equal(shape, flags);
    }
}

void expect_same_bits_on_threads(const SignatureShape& shape) {
  const SignatureCase<float> c = random_case<float>(shape, 7);
  SignatureCase<float> one = c;
  run_kernels(one, 1, 1);
  for (const auto& [forward, backward] :
       {std::pair{3, 3}, {1, 3}, {3, 1}, {2, 2}}) {
    SignatureCase<float> other = c;
    run_kernels(other, forward, backward);
    EXPECT_EQ(one.signature, other.signature);
    EXPECT_EQ(one.dpath, other.dpath);
    EXPECT_EQ(one.dinitial, other.dinitial);
  }
}

// Whatever the numbers of threads that go forward and back, results have the
// same bits.
TEST_P(SignatureKernels, PiecesAndSplitsDoNotDependOnThreads) {
  const ScopedIsa forced(GetParam());
  expect_same_bits_on_threads(
      {.batch = 1, .length = 127, .channels = 3, .depth = 8, .initial = true});
  expect_same_bits_on_threads(
      {.batch = 1, .length = 1500, .channels = 4, .depth = 5});
  expect_same_bits_on_threads(
      {.batch = 1, .length = 128, .channels = 4, .depth = 7});
  expect_same_bits_on_threads(
      {.batch = 32, .length = 500, .channels = 3, .depth = 3});
}

TEST_P(SignatureKernels, OnePointWithABasepoint) {
  const ScopedIsa forced(GetParam());
  for (const int batch : {1, 16, 19})
    for (const bool stream : {false, true})
      expect_equal({.batch = batch,
                    .length = 1,
                    .channels = 3,
                    .depth = 3,
                    .stream = stream,
                    .basepoint = BasepointKind::zero},
                   batch);
}

// What a network with unequal lengths relies on: padding is never read, its
// gradient is exactly 0 and the rest equals the path on its own.
TEST_P(SignatureKernels, PaddingIsNeitherReadNorGivenAGradient) {
  const ScopedIsa forced(GetParam());
  const SignatureShape shape = {.batch = 18,
                                .length = 11,
                                .channels = 3,
                                .depth = 3,
                                .stream = true,
                                .basepoint = BasepointKind::zero,
                                .lengths = true};
  SignatureCase<double> c = random_case<double>(shape, 3);
  SignatureCase<double> poisoned = c;
  for (std::int64_t b = 0; b < shape.batch; ++b)
    for (std::int64_t k = c.lengths[b] * 3; k < shape.length * 3; ++k)
      poisoned.path[b * shape.length * 3 + k] =
          std::numeric_limits<double>::quiet_NaN();
  run_kernels(c);
  run_kernels(poisoned);
  EXPECT_EQ(c.signature, poisoned.signature);
  EXPECT_EQ(c.dpath, poisoned.dpath);
  const std::int64_t columns = shape.columns();
  for (std::int64_t b = 0; b < shape.batch; ++b)
    for (std::int64_t t = c.lengths[b]; t < shape.length; ++t) {
      for (std::int64_t j = 0; j < 3; ++j)
        ASSERT_EQ(c.dpath[(b * shape.length + t) * 3 + j], 0.0);
      for (std::int64_t k = 0; k < columns; ++k)
        ASSERT_EQ(c.signature[(b * shape.length + t) * columns + k],
                  c.signature[(b * shape.length + t - 1) * columns + k]);
    }
}

TEST_P(SignatureKernels, GradientsMayBeLeftOut) {
  const ScopedIsa forced(GetParam());
  for (const int batch : {1, 20}) {
    const SignatureShape shape = {.batch = batch,
                                  .length = 4,
                                  .channels = 3,
                                  .depth = 3,
                                  .basepoint = BasepointKind::shared,
                                  .initial = true};
    SignatureCase<double> c = random_case<double>(shape, 5);
    run_kernels(c);
    std::vector<double> saved(cpu::signature_saved_bytes<double>(shape) / 8 +
                              8),
        workspace(cpu::signature_workspace_bytes<double>(shape) / 8 + 8),
        signature(c.signature.size()), dbasepoint(3);
    auto aligned = [](std::vector<double>& v) {
      return reinterpret_cast<void*>(
          (reinterpret_cast<std::uintptr_t>(v.data()) + 63) & ~63ull);
    };
    cpu::signature_forward(shape, c.inputs(), signature.data(), aligned(saved),
                           aligned(workspace));
    cpu::signature_backward(
        shape, c.inputs(), aligned(saved), c.dsignature.data(),
        {nullptr, dbasepoint.data(), nullptr}, aligned(workspace));
    EXPECT_EQ(dbasepoint, c.dbasepoint);
    cpu::signature_forward(shape, c.inputs(), signature.data(),
                           static_cast<void*>(nullptr), aligned(workspace));
    EXPECT_LE(relative_error(signature, c.signature), kFloat64);
  }
}

INSTANTIATE_TEST_SUITE_P(EachIsa, SignatureKernels,
                         testing::Values(Isa::scalar, Isa::avx2, Isa::avx512,
                                         Isa::neon),
                         [](const auto& info) { return isa_name(info.param); });

// Nothing like a signature for each increment is kept for the backward pass.
TEST(SignatureMemory, SavedLevelsAreBelowTheDepthAndRare) {
  const SignatureShape shape = {
      .batch = 128, .length = 101, .channels = 4, .depth = 5};
  const double all = 4.0 * 128 * 100 * static_cast<double>(shape.columns());
  EXPECT_LE(cpu::signature_saved_bytes<float>(shape), all / 30);
}

}  // namespace
}  // namespace sigtape::test
