#include "sigtape/layers/signature/logsignature_group.h"

#include <gtest/gtest.h>

#include "sigtape/framework/gradcheck.h"
#include "sigtape/framework/ops.h"
#include "sigtape/layers/signature/signature_inversion.h"
#include "support/battery.h"

namespace sigtape::test {
namespace {

const std::vector<LogSignatureMode> modes = {LogSignatureMode::expand,
                                             LogSignatureMode::words,
                                             LogSignatureMode::brackets};

void expect_close(const Tensor& got, const Tensor& expected) {
  EXPECT_LE(relative_error(got.to_vector(), expected.to_vector()), 1e-12);
}

// Against log-signatures of whole paths.
TEST(LogSignatureGroup, CombinesAndJoinsPaths) {
  const Tensor x = random_tensor({3, 9, 2});
  for (const LogSignatureMode mode : modes) {
    const auto log = [&](std::int64_t start, std::int64_t end) {
      return logsignature(slice(x, 1, start, end), 4, {.mode = mode});
    };
    expect_close(logsignature_combine(log(0, 5), log(4, 9), 2, 4, mode),
                 log(0, 9));
    const auto step = [&](std::int64_t t) {
      return reshape(slice(x, 1, t + 1, t + 2) - slice(x, 1, t, t + 1), {3, 2});
    };
    expect_close(logsignature_join(log(0, 8), step(7), 4, mode), log(0, 9));
    expect_close(logsignature_join(log(1, 9), step(0), 4, mode, true),
                 log(0, 9));
    expect_close(invert_logsignature(log(0, 9), 4, 2, mode),
                 invert_signature(signature(x, 4), 4, 2));
  }
}

TEST(LogSignatureGroup, StraightLinesAreExponentials) {
  const Tensor v = random_tensor({2, 3});
  const auto s = linear_signature(v, 3).to_vector();
  const auto x = v.to_vector();
  for (int b = 0; b < 2; ++b)
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) {
        EXPECT_NEAR(s[39 * b + 3 + 3 * i + j], x[3 * b + i] * x[3 * b + j] / 2,
                    1e-14);
        EXPECT_NEAR(s[39 * b + 12 + 9 * i + 3 * j],
                    x[3 * b + i] * x[3 * b + j] * x[3 * b] / 6, 1e-14);
      }
}

TEST(LogSignatureGroup, HasGradients) {
  for (const LogSignatureMode mode : modes) {
    const std::int64_t columns = logsignature_columns(2, 3, mode);
    const Tensor x = random_tensor({2, 5, 2}), y = random_tensor({2, 4, 2}, 2);
    const auto check = [](const TensorFunction& f, std::vector<Tensor> inputs) {
      const GradcheckResult result = gradcheck(f, std::move(inputs));
      EXPECT_TRUE(result.ok) << result.message;
    };
    const auto log = [mode](const Tensor& path) {
      return logsignature(path, 3, {.mode = mode});
    };
    EXPECT_EQ(log(x).size(1), columns);
    check(
        [&](const std::vector<Tensor>& in) {
          return logsignature_combine(log(in[0]), log(in[1]), 2, 3, mode);
        },
        {x, y});
    check(
        [&](const std::vector<Tensor>& in) {
          return logsignature_join(log(in[0]), in[1], 3, mode, true);
        },
        {x, random_tensor({2, 2}, 5)});
    check(
        [&](const std::vector<Tensor>& in) {
          return invert_logsignature(log(in[0]), 3, 2, mode);
        },
        {x});
    check(
        [&](const std::vector<Tensor>& in) {
          return linear_signature(in[0], 3, true);
        },
        {random_tensor({2, 2}, 6)});
  }
}

TEST(LogSignatureGroup, SaysWhatDoesNotFit) {
  expect_error(
      [] {
        linear_signature(zeros({2, 3, 1}), 2);
      },
      {"linear_signature", "(batch, channels)", "(2, 3, 1)"});
  expect_error(
      [] {
        logsignature_combine(zeros({2, 5}), zeros({2, 6}), 2, 3);
      },
      {"5 columns", "(2, 6)"});
}

}  // namespace
}  // namespace sigtape::test
