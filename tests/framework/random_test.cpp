#include "sigtape/framework/random.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sigtape {
namespace {

using Block = std::array<std::uint32_t, 4>;

// Known answers published with Random123 for philox4x32-10.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox(0, 0, 0),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const std::uint64_t ones = ~std::uint64_t{0};
  EXPECT_EQ(philox(ones, ones, ones),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox(0x299f31d0a4093822, 0x85a308d3243f6a88, 0x0370734413198a2e),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, UniformAndNormalHaveTheirMoments) {
  constexpr int n = 200000;
  double mean = 0, square = 0, normal_mean = 0, normal_square = 0, fourth = 0;
  for (int i = 0; i < n; ++i) {
    const double u = philox_uniform(7, i), z = philox_normal(7, i);
    mean += u / n;
    square += u * u / n;
    normal_mean += z / n;
    normal_square += z * z / n;
    fourth += z * z * z * z / n;
  }
  // Five standard errors of each.
  EXPECT_NEAR(mean, 0.5, 5 * std::sqrt(1.0 / 12 / n));
  EXPECT_NEAR(square, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / n));
  EXPECT_NEAR(normal_mean, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(normal_square, 1, 5 * std::sqrt(2.0 / n));
  EXPECT_NEAR(fourth, 3, 5 * std::sqrt(96.0 / n));
}

TEST(Generator, StateIsSeedAndOffset) {
  manual_seed(5);
  EXPECT_EQ(default_generator().reserve(10), 0u);
  EXPECT_EQ(default_generator().reserve(1), 10u);
  const Generator saved = default_generator();
  default_generator().reserve(7);
  default_generator() = saved;
  EXPECT_EQ(default_generator().reserve(1), 11u);
}

}  // namespace
}  // namespace sigtape
