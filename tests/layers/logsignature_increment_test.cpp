// Log-signatures of a few paths of one increment against those of the same
// paths with their last point twice, which the general kernels take.
#include "sigtape/layers/signature/logsignature_increment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sigtape/framework/gradcheck.h"
#include "sigtape/framework/ops.h"
#include "sigtape/layers/signature/logsignature.h"
#include "support/battery.h"
#include "support/second.h"

namespace sigtape::test {
namespace {

using Mode = LogSignatureMode;

double largest_difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  double largest = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i)
    largest =
        std::max(largest, std::abs(a.data<double>()[i] - b.data<double>()[i]));
  return largest;
}

TEST(LogSignatureIncrement, IsThatOfAPathThatRests) {
  for (const Mode mode : {Mode::expand, Mode::words, Mode::brackets})
    for (const std::int64_t batch : {1, 3, 9})
      for (const std::int64_t channels : {1, 2, 5})
        for (const std::int64_t depth : {1, 2, 4}) {
          Tensor path = random_tensor({batch, 2, channels});
          const Tensor longer = concat({path, slice(path, 1, 1, 2)}, 1);
          const LogSignatureOptions options{.mode = mode};
          EXPECT_LE(largest_difference(logsignature(path, depth, options),
                                       logsignature(longer, depth, options)),
                    1e-13)
              << name_of(mode) << " " << path.shape() << " depth " << depth;
        }
}

TEST(LogSignatureIncrement, LeavesOtherCallsToTheKernels) {
  const Tensor path = random_tensor({1, 2, 2});
  const Tensor turned = logsignature(path, 3, {.inverse = true});
  EXPECT_LE(largest_difference(turned, neg(logsignature(path, 3))), 1e-15);
  const Tensor from_zero = logsignature(path, 3, {.basepoint = true});
  const Tensor longer =
      concat({zeros({1, 1, 2}, {DType::float64, {}}), path}, 1);
  EXPECT_LE(largest_difference(from_zero, logsignature(longer, 3)), 1e-15);
  EXPECT_EQ(logsignature(path, 3, {.stream = true}).shape(), Shape({1, 1, 5}));
  EXPECT_THROW(logsignature(path, 0), UsageError);
}

TEST(LogSignatureIncrement, MeetsDifferencesTwice) {
  std::vector<SecondCase> cases;
  for (const Mode mode : {Mode::expand, Mode::words, Mode::brackets})
    for (const std::int64_t batch : {1, 2}) {
      cases.push_back({name_of(mode),
                       {random_tensor({batch, 2, 3})},
                       [mode](const std::vector<Tensor>& in) {
                         const Tensor s =
                             logsignature(in[0], 3, {.mode = mode});
                         return mul(s, mul(s, s));
                       }});
      const auto first = gradcheck(cases.back().op, cases.back().inputs);
      EXPECT_TRUE(first.ok) << first.message;
    }
  second_battery("logsignature", cases);
}

}  // namespace
}  // namespace sigtape::test
