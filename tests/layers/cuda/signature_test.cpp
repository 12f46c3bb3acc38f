// The signature's kernels for GPUs against the plain implementation in
// float64: every flag, sizes around their blocks, every type.
#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "sigtape/layers/signature/signature_kernels.h"
#include "support/device_array.h"
#include "support/signature_runner.h"

namespace sigtape::test {
namespace {

std::size_t basepoint_size(const SignatureShape& s) {
  if (s.basepoint == BasepointKind::shared) return s.channels;
  if (s.basepoint == BasepointKind::per_path) return s.batch * s.channels;
  return 0;
}

// Fills in c's results.
template <class T>
void run_on_gpu(SignatureCase<T>& c) {
  const SignatureShape& s = c.shape;
  const DeviceArray<T> path(c.path), basepoint(c.basepoint), initial(c.initial),
      dsignature(c.dsignature);
  const DeviceArray<std::int64_t> lengths(c.lengths);
  const SignatureInputs<T> inputs{path.data(), basepoint.pointer(),
                                  initial.pointer(), lengths.pointer()};
  const DeviceArray<T> signature(c.dsignature.size()), dpath(c.path.size()),
      dbasepoint(basepoint_size(s)), dinitial(c.initial.size());
  const DeviceArray<char> saved(signature_saved_bytes<T>(Cuda{}, s));
  signature_forward<T>(Cuda{}, s, inputs, signature.data(), saved.data(),
                       nullptr);
  signature_backward<T>(
      Cuda{}, s, inputs, saved.data(), dsignature.data(),
      {dpath.data(), dbasepoint.pointer(), dinitial.pointer()}, nullptr);
  c.signature = signature.values();
  c.dpath = dpath.values();
  c.dbasepoint = dbasepoint.values();
  c.dinitial = dinitial.values();
}

template <class T>
void expect_equal(const SignatureShape& shape, std::uint32_t seed,
                  double tolerance, double gradient_tolerance) {
  SignatureCase<T> c = random_case<T>(shape, seed);
  SignatureCase<double> expected = to_double(c);
  run_on_gpu(c);
  run_reference(expected);
  const std::string text =
      describe(shape) + (sizeof(T) == 4 ? " float32" : " float64");
  EXPECT_LE(relative_error(c.signature, expected.signature), tolerance) << text;
  EXPECT_LE(relative_error(c.dpath, expected.dpath), gradient_tolerance)
      << text;
  EXPECT_LE(relative_error(c.dbasepoint, expected.dbasepoint),
            gradient_tolerance)
      << text;
  EXPECT_LE(relative_error(c.dinitial, expected.dinitial), gradient_tolerance)
      << text;
}

void expect_equal(const SignatureShape& shape, std::uint32_t seed) {
  expect_equal<float>(shape, seed, 2e-5, 1e-4);
  expect_equal<double>(shape, seed, 1e-12, 1e-12);
}

constexpr BasepointKind kBasepoints[] = {
    BasepointKind::none, BasepointKind::zero, BasepointKind::shared,
    BasepointKind::per_path};

SignatureShape with_flags(SignatureShape shape, unsigned flags) {
  shape.stream = (flags & 1) != 0;
  shape.inverse = (flags & 2) != 0;
  shape.scalar_term = (flags & 4) != 0;
  shape.initial = (flags & 8) != 0;
  shape.lengths = (flags & 16) != 0;
  shape.basepoint = kBasepoints[flags >> 5 & 3];
  return shape;
}

TEST(CudaSignature, ChannelsAndDepths) {
  for (int channels = 1; channels <= 11; ++channels) {
    const int most = channels < 3    ? 9
                     : channels == 3 ? 6
                     : channels < 7  ? 4
                                     : 3;
    for (int depth = 1; depth <= most; ++depth) {
      for (const bool stream : {false, true}) {
        expect_equal({.batch = 2,
                      .length = 6,
                      .channels = channels,
                      .depth = depth,
                      .stream = stream},
                     channels * 10 + depth);
      }
    }
  }
}

TEST(CudaSignature, EveryCombinationOfFlags) {
  for (unsigned flags = 0; flags < 128; ++flags) {
    for (const auto& [batch, channels, depth] : {std::tuple{1, 3, 4},
                                                 {5, 2, 5},
                                                 {3, 4, 3},
                                                 {2, 6, 2},
                                                 {2, 7, 2},
                                                 {1, 9, 3}}) {
      expect_equal(with_flags({.batch = batch,
                               .length = 7,
                               .channels = channels,
                               .depth = depth},
                              flags),
                   flags);
    }
  }
}

TEST(CudaSignature, LengthsAroundTheBlocksOfTime) {
  for (const int length : {2, 3, 9, 16, 17, 18, 32, 33, 34, 65, 66, 130}) {
    for (const unsigned flags : {0u, 1u, 2u, 16u, 17u, 40u, 41u}) {
      expect_equal(
          with_flags({.batch = 3, .length = length, .channels = 3, .depth = 3},
                     flags),
          length + flags);
    }
  }
}

TEST(CudaSignature, BatchesAndManyPrefixes) {
  for (const int batch : {1, 7, 33})
    expect_equal({.batch = batch, .length = 12, .channels = 2, .depth = 3},
                 batch);
  for (const unsigned flags : {0u, 11u, 34u}) {
    expect_equal(
        with_flags({.batch = 2, .length = 6, .channels = 13, .depth = 3},
                   flags),
        flags);
    expect_equal(
        with_flags({.batch = 1, .length = 5, .channels = 150, .depth = 2},
                   flags),
        flags);
  }
}

// So many paths that a block takes all prefixes of one, tile by tile.
TEST(CudaSignature, TilesOfPrefixesInTurn) {
  expect_equal<float>({.batch = 1030, .length = 3, .channels = 12, .depth = 3},
                      1, 2e-5, 1e-4);
}

// Paths cut into segments, blocks of their own, and prefixes into slices.
TEST(CudaSignature, SegmentsAndSlices) {
  for (const auto& [channels, depth] : {std::pair{3, 4}, {2, 5}, {5, 3}}) {
    for (const unsigned flags : {0u, 10u, 24u, 46u}) {
      expect_equal(
          with_flags(
              {.batch = 2, .length = 500, .channels = channels, .depth = depth},
              flags),
          flags);
    }
  }
  for (const unsigned flags : {0u, 58u}) {
    expect_equal(
        with_flags({.batch = 1, .length = 40, .channels = 6, .depth = 4},
                   flags),
        flags);
    // A slice is part of the prefixes that begin with the same letter.
    expect_equal(
        with_flags({.batch = 1, .length = 9, .channels = 5, .depth = 5}, flags),
        flags);
  }
}

// So many paths that each is one chunk, of more increments than are staged at
// a time.
TEST(CudaSignature, IncrementsStagedInTurn) {
  expect_equal<float>({.batch = 1260, .length = 21, .channels = 3, .depth = 5},
                      1, 2e-5, 1e-4);
}

TEST(CudaSignature, OnePointWithABasepoint) {
  for (const bool stream : {false, true})
    expect_equal({.batch = 3,
                  .length = 1,
                  .channels = 3,
                  .depth = 3,
                  .stream = stream,
                  .basepoint = BasepointKind::zero},
                 7);
}

}  // namespace
}  // namespace sigtape::test
