// Paths from signatures, against Signatory.
#include "sigtape/layers/signature/signature_inversion.h"

#include <gtest/gtest.h>

#include "sigtape/framework/gradcheck.h"
#include "sigtape/layers/signature/signature.h"
#include "support/battery.h"
#include "support/golden.h"

namespace sigtape::test {
namespace {

TEST(InvertSignature, AgreesWithSignatory) {
  const auto cases = golden_cases("inversion");
  ASSERT_EQ(cases.size(), 2u);
  for (const GoldenCase& golden : cases)
    for (const DType dtype : {DType::float32, DType::float64}) {
      const auto& a = golden.arguments;
      SCOPED_TRACE(a.dump());
      const Tensor path =
          invert_signature(golden_tensor(golden.at("signature"), dtype),
                           a.at("depth"), a.at("channels"));
      const GoldenArray& expected = golden.at("path");
      EXPECT_TRUE(std::equal(path.shape().begin(), path.shape().end(),
                             expected.shape.begin(), expected.shape.end()));
      // Computed in float32 there.
      EXPECT_LE(relative_error(path.to_vector(), expected.values), 1e-4);
    }
}

// The line from the origin to v is found again, in equal steps.
TEST(InvertSignature, OfALineIsThatLine) {
  const Tensor end = random_tensor({2, 1, 3});
  for (const std::int64_t depth : {1, 2, 4}) {
    const Tensor path =
        invert_signature(signature(end, depth, {.basepoint = true}), depth, 3);
    ASSERT_EQ(path.shape(), (Shape{2, depth + 1, 3}));
    const auto points = path.to_vector(), v = end.to_vector();
    for (std::int64_t b = 0; b < 2; ++b)
      for (std::int64_t i = 0; i <= depth; ++i)
        for (std::int64_t c = 0; c < 3; ++c)
          EXPECT_NEAR(points[(b * (depth + 1) + i) * 3 + c],
                      v[b * 3 + c] * static_cast<double>(i) /
                          static_cast<double>(depth),
                      1e-12);
  }
}

TEST(InvertSignature, StartsWhereItIsTold) {
  const Tensor s = signature(random_tensor({2, 5, 2}), 3);
  const Tensor start = random_tensor({2, 2}, 7);
  const auto from_zero = invert_signature(s, 3, 2).to_vector(),
             from_start = invert_signature(s, 3, 2, start).to_vector(),
             offset = start.to_vector();
  for (std::size_t k = 0; k < from_zero.size(); ++k)
    EXPECT_NEAR(from_start[k], from_zero[k] + offset[k / 8 * 2 + k % 2], 1e-12);
}

TEST(InvertSignature, Gradients) {
  for (const std::int64_t depth : {1, 2, 3}) {
    const Tensor s = signature(random_tensor({2, 6, 2}, 3), depth);
    const auto result = gradcheck(
        [&](const std::vector<Tensor>& in) {
          return invert_signature(in[0], depth, 2, in[1]);
        },
        {s, random_tensor({2, 2}, 5)});
    EXPECT_TRUE(result.ok) << "depth " << depth << ": " << result.message;
  }
}

TEST(InvertSignature, RefusesWhatDoesNotFit) {
  const Tensor s = random_tensor({2, 14});
  const std::string op = "invert_signature: ";
  expect_error([&] { invert_signature({}, 3, 2); }, {op, "no tensor"});
  expect_error([&] { invert_signature(s, 2, 2); },
               {op, "6 columns", "depth 2", "(2, 14)"});
  expect_error([&] { invert_signature(random_tensor({14}), 3, 2); },
               {op, "(batch, S)", "(14)"});
  expect_error([&] { invert_signature(s, 0, 2); }, {op, "depth >= 1"});
  expect_error([&] { invert_signature(s, 3, 0); }, {op, "at least 1 channel"});
  expect_error(
      [&] {
        invert_signature(s, 3, 2, random_tensor({2, 3}));
      },
      {op, "initial position", "(2, 2)", "(2, 3)"});
  expect_error(
      [&] {
        invert_signature(s, 3, 2, zeros({2, 2}));
      },
      {op, "types differ"});
}

}  // namespace
}  // namespace sigtape::test
