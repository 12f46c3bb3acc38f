// Signatures of a few paths of one increment: the closed form against the plain
// kernels in float64 on both sides of its limits, and what it leaves to others.

#include "sigtape/layers/signature/signature_increment.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sigtape/framework/gradcheck.h"
#include "sigtape/layers/signature/signature.h"
#include "support/battery.h"
#include "support/signature_runner.h"

namespace sigtape::test {
namespace {

template <class T>
void expect_equal(const SignatureShape& shape, double tolerance) {
  SignatureCase<T> c = random_case<T>(shape, 7);
  SignatureCase<double> expected = to_double(c);
  run_kernels(c);
  run_reference(expected);
  EXPECT_LE(relative_error(c.signature, expected.signature), tolerance)
      << describe(shape);
  EXPECT_LE(relative_error(c.dpath, expected.dpath), tolerance)
      << describe(shape);
}

TEST(SignatureIncrement, MeetsThePlainKernels) {
  int small = 0, others = 0;
  for (const int batch : {1, 2, 7, 8, 9})
    for (const int channels : {1, 2, 3, 6, 16, 17})
      for (const int depth : {1, 2, 3, 4, 8}) {
        const SignatureShape shape = {.batch = batch,
                                      .length = 2,
                                      .channels = channels,
                                      .depth = depth,
                                      .stream = depth == 3};
        if (std::pow(channels, depth) > 5e3) continue;
        ++(cpu::is_small_increment(shape) ? small : others);
        expect_equal<float>(shape, 1e-5);
        expect_equal<double>(shape, 1e-12);
      }
  EXPECT_GT(small, 30);
  EXPECT_GT(others, 30);
}

TEST(SignatureIncrement, TakesOnlyWhatItCanDo) {
  const SignatureShape plain = {
      .batch = 1, .length = 2, .channels = 2, .depth = 5};
  EXPECT_TRUE(cpu::is_small_increment(plain));
  for (const auto change :
       {+[](SignatureShape& s) { s.length = 3; },
        +[](SignatureShape& s) { s.inverse = true; },
        +[](SignatureShape& s) { s.scalar_term = true; },
        +[](SignatureShape& s) { s.initial = true; },
        +[](SignatureShape& s) { s.lengths = true; },
        +[](SignatureShape& s) { s.basepoint = BasepointKind::zero; },
        +[](SignatureShape& s) { s.depth = 1; },
        +[](SignatureShape& s) { s.depth = 9; },
        +[](SignatureShape& s) { s.channels = 17; }}) {
    SignatureShape shape = plain;
    change(shape);
    EXPECT_FALSE(cpu::is_small_increment(shape)) << describe(shape);
  }
}

TEST(SignatureIncrement, MeetsDifferences) {
  const auto result = gradcheck(
      [](const std::vector<Tensor>& in) { return signature(in[0], 4); },
      {random_tensor({2, 2, 3})});
  EXPECT_TRUE(result.ok) << result.message;
}

}  // namespace
}  // namespace sigtape::test
