#include "sigtape/training/data/generators.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "sigtape/training/data/read_dataset.h"
#include "support/battery.h"

namespace sigtape {
namespace {

double fbm_covariance(double hurst, double s, double t) {
  const auto power = [&](double x) { return std::pow(std::abs(x), 2 * hurst); };
  return (power(s) + power(t) - power(t - s)) / 2;
}

// The path is linear in the normal numbers, so its covariance is the sum over
// them of the path's products, exactly.
TEST(Generators, FractionalBrownianMotionHasItsCovariance) {
  for (const double hurst : {0.2, 0.5, 0.8, 0.99}) {
    for (const std::int64_t steps : {1, 7, 8, 12}) {
      const auto count =
          static_cast<std::size_t>(fractional_brownian_normals(steps));
      const auto points = static_cast<std::size_t>(steps) + 1;
      std::vector<double> covariance(points * points), path(points);
      for (std::size_t k = 0; k < count; ++k) {
        std::vector<double> normals(count);
        normals[k] = 1;
        fractional_brownian_path(hurst, 2, normals, path);
        for (std::size_t i = 0; i < points * points; ++i)
          covariance[i] += path[i / points] * path[i % points];
      }
      const double dt = 2.0 / static_cast<double>(steps);
      for (std::size_t i = 0; i < points * points; ++i) {
        EXPECT_NEAR(covariance[i],
                    fbm_covariance(hurst, dt * static_cast<double>(i / points),
                                   dt * static_cast<double>(i % points)),
                    1e-12)
            << "H " << hurst << ", " << steps << " steps, entry " << i;
      }
    }
  }
}

// Covariance of X at steps i <= j: volatility^2 / (2 speed) (e^(-speed (t - s))
// - e^(-speed (t + s))), and the mean's exponential decay.
TEST(Generators, OrnsteinUhlenbeckHasItsMeanAndCovariance) {
  const double speed = 1.7, level = 0.4, volatility = 0.6, dt = 0.25;
  std::vector<double> path(5), mean(5);
  mean[0] = 2;
  ornstein_uhlenbeck_path(speed, level, volatility, 1, std::vector<double>(4),
                          mean);
  std::vector<double> covariance(25);
  for (std::size_t k = 0; k < 4; ++k) {
    std::vector<double> normals(4);
    normals[k] = 1;
    path[0] = 2;
    ornstein_uhlenbeck_path(speed, level, volatility, 1, normals, path);
    for (int i = 0; i < 25; ++i)
      covariance[i] +=
          (path[i / 5] - mean[i / 5]) * (path[i % 5] - mean[i % 5]);
  }
  for (int i = 0; i < 5; ++i) {
    EXPECT_NEAR(mean[i], level + (2 - level) * std::exp(-speed * dt * i),
                1e-14);
    for (int j = i; j < 5; ++j) {
      EXPECT_NEAR(covariance[5 * i + j],
                  volatility * volatility / (2 * speed) *
                      (std::exp(-speed * dt * (j - i)) -
                       std::exp(-speed * dt * (i + j))),
                  1e-14);
    }
  }
}

// Its logarithm is a Brownian motion with a drift.
TEST(Generators, GeometricBrownianMotionIsAnExponential) {
  std::vector<double> path(4);
  path[0] = 3;
  const std::vector<double> normals = {0.3, -1.2, 2};
  geometric_brownian_path(0.1, 0.5, 1.5, normals, path);
  double w = 0;
  for (std::size_t t = 1; t < 4; ++t) {
    w += normals[t - 1] * std::sqrt(0.5);
    const double time = 0.5 * static_cast<double>(t);
    EXPECT_NEAR(path[t], 3 * std::exp((0.1 - 0.125) * time + 0.5 * w), 1e-14);
  }
}

TEST(Generators, DrawOnlyFromTheSeed) {
  GeneratorSource source;
  source.cases = 700;
  source.length = 17;
  source.hurst = {0.2, 0.5, 0.8};
  const Dataset data = make_generated(source, 4);
  EXPECT_EQ(data.values, make_generated(source, 4).values);
  EXPECT_NE(data.values, make_generated(source, 5).values);
  EXPECT_EQ(data.outputs, 1);
  EXPECT_EQ(data.max_length(), 17);
  std::map<double, int> counts;
  std::map<double, double> squares;
  for (std::int64_t i = 0; i < data.cases; ++i) {
    EXPECT_EQ(data.stream(i)[0], 0);
    ++counts[data.numbers[i]];
    squares[data.numbers[i]] += std::pow(data.stream(i)[16], 2);
  }
  EXPECT_EQ(counts.size(), 3u);
  for (const auto& [hurst, count] : counts) {
    EXPECT_NEAR(count, 700 / 3.0, 60);
    // The variance at time 1 is 1, whatever the exponent.
    EXPECT_NEAR(squares[hurst] / count, 1, 0.4);
  }
}

TEST(Generators, OfOneMoreCaseKeepTheOthers) {
  GeneratorSource source;
  source.kind = GeneratorChoice::ornstein_uhlenbeck;
  source.cases = 3;
  source.length = 5;
  source.start = 2;
  const Dataset three = make_generated(source, 1);
  source.cases = 4;
  Dataset four = make_generated(source, 1);
  four.values.resize(15);
  EXPECT_EQ(four.values, three.values);
  EXPECT_EQ(three.values[0], 2);
}

// Without volatility it is start e^(drift t).
TEST(Generators, GeometricBrownianMotionIsDrawnToo) {
  GeneratorSource source;
  source.kind = GeneratorChoice::geometric_brownian;
  source.cases = 3;
  source.length = 5;
  source.duration = 2;
  source.volatility = {0};
  source.drift = 0.3;
  source.start = 1.5;
  const Dataset data = read_dataset(DataSource(source), DataConfig(), 1);
  ASSERT_EQ(data.cases, 3);
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(data.numbers[static_cast<std::size_t>(i)], 0);
    for (std::size_t t = 0; t < 5; ++t)
      EXPECT_NEAR(data.stream(i)[t],
                  1.5 * std::exp(0.15 * static_cast<double>(t)), 1e-12);
  }
}

TEST(Generators, NeedCasesPointsAndParameters) {
  const auto refuses = [](auto&& change) {
    GeneratorSource source;
    source.cases = source.length = 4;
    change(source);
    EXPECT_THROW(make_generated(source, 0), UsageError);
  };
  refuses([](GeneratorSource& s) { s.cases = 0; });
  refuses([](GeneratorSource& s) { s.length = 1; });
  refuses([](GeneratorSource& s) { s.hurst.clear(); });
  refuses([](GeneratorSource& s) { s.volatility.clear(); });
  refuses([](GeneratorSource& s) { s.hurst = {0}; });
  refuses([](GeneratorSource& s) { s.hurst = {1}; });
}

TEST(RandomData, NeedsCasesPointsAndChannels) {
  EXPECT_THROW(make_random(0, 1, 1, 1, 0), UsageError);
  EXPECT_THROW(make_random(1, 0, 1, 1, 0), UsageError);
  EXPECT_THROW(make_random(1, 1, 0, 1, 0), UsageError);
  EXPECT_THROW(make_random(1, 1, 1, -1, 0), UsageError);
  EXPECT_EQ(make_random(1, 1, 1, 0, 0).target, TargetKind::none);
}

TEST(Generators, SayWhatTheyNeed) {
  std::vector<double> path(3);
  test::expect_error(
      [&] { fractional_brownian_path(1, 1, std::vector<double>(8), path); },
      {"fbm", "Hurst exponent", "1"});
  test::expect_error(
      [&] { fractional_brownian_path(0.5, 1, std::vector<double>(3), path); },
      {"fbm", "8 normal numbers", "got 3"});
  test::expect_error(
      [&] {
        ornstein_uhlenbeck_path(0, 0, 1, 1, std::vector<double>(2), path);
      },
      {"ornstein_uhlenbeck", "speed"});
  test::expect_error(
      [&] { geometric_brownian_path(0, 1, 1, std::vector<double>(3), path); },
      {"geometric_brownian", "3 points"});
  test::expect_error([] { make_generated({}, 0); }, {"fbm", "cases"});
}

}  // namespace
}  // namespace sigtape
