// What every signature obeys, on random paths, depths and channels: a thousand
// cases of each law.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "sigtape/layers/signature/logsignature.h"
#include "sigtape/layers/signature/signature.h"
#include "sigtape/layers/signature/signature_combine.h"
#include "support/battery.h"
#include "support/tensor_algebra.h"

namespace sigtape::test {
namespace {

constexpr int case_count = 1000;
constexpr double tolerance = 1e-12;

using Point = std::vector<double>;
using Points = std::vector<Point>;

// A random path, its depth and the source of whatever else a law needs.
struct Case {
  std::mt19937_64 bits;
  std::int64_t channels;
  int depth;
  Points points;

  explicit Case(int seed) : bits(seed) {
    channels = integer(1, 4);
    depth = integer(1, channels > 2 ? 4 : 5);
    points.resize(integer(2, 9));
    for (Point& p : points)
      for (std::int64_t j = 0; j < channels; ++j) p.push_back(normal());
  }
  int integer(int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(bits);
  }
  double normal() { return std::normal_distribution<double>()(bits) * .5; }
  double uniform() { return std::uniform_real_distribution<double>()(bits); }
  std::string name() const {
    return std::to_string(channels) + " channels, depth " +
           std::to_string(depth) + ", " + std::to_string(points.size()) +
           " points";
  }
};

Tensor path_of(const Points& points) {
  std::vector<double> values;
  for (const Point& p : points) values.insert(values.end(), p.begin(), p.end());
  const auto length = static_cast<std::int64_t>(points.size());
  const auto channels = static_cast<std::int64_t>(points[0].size());
  return from_values(values, {1, length, channels}, {DType::float64, {}});
}

Tensor signature_of(const Points& points, int depth,
                    const SignatureOptions& options = {}) {
  return signature(path_of(points), depth, options);
}

void for_each_case(const std::function<void(Case&)>& law) {
  for (int seed = 0; seed < case_count; ++seed) {
    Case c(seed);
    law(c);
    if (::testing::Test::HasFailure()) {
      FAIL() << "case " << seed << ": " << c.name();
    }
  }
}

void expect_close(const Tensor& got, const Tensor& expected) {
  EXPECT_LE(relative_error(got.to_vector(), expected.to_vector()), tolerance);
}

void expect_close(const Tensor& got, const std::vector<double>& expected) {
  EXPECT_LE(relative_error(got.to_vector(), expected), tolerance);
}

TEST(SignatureAlgebra, ChensIdentity) {
  for_each_case([](Case& c) {
    const int at = c.integer(1, static_cast<int>(c.points.size()) - 1);
    const Points first(c.points.begin(), c.points.begin() + at);
    const Points second(c.points.begin() + at - 1, c.points.end());
    const Tensor whole = signature_of(c.points, c.depth);
    const Tensor later = signature_of(second, c.depth);
    if (at == 1) return expect_close(later, whole);
    const Tensor earlier = signature_of(first, c.depth);
    expect_close(signature_combine(earlier, later, c.channels, c.depth), whole);
    // The same by what came before the second piece.
    const Points rest(second.begin() + 1, second.end());
    const Tensor continued = signature_of(
        rest, c.depth, {.basepoint = second[0], .initial = earlier});
    expect_close(continued, whole);
  });
}

TEST(SignatureAlgebra, InverseIsThePathRunBackwards) {
  for_each_case([](Case& c) {
    const Tensor forth = signature_of(c.points, c.depth);
    const Tensor back = signature_of(c.points, c.depth, {.inverse = true});
    expect_close(signature_of({c.points.rbegin(), c.points.rend()}, c.depth),
                 back);
    // Their product is 1, whose words are all 0.
    const Tensor one = signature_combine(forth, back, c.channels, c.depth);
    const auto size = forth.to_vector();
    double largest = 1;
    for (const double v : size) largest = std::max(largest, v * v);
    for (const double v : one.to_vector())
      EXPECT_LE(std::abs(v), tolerance * largest);
  });
}

TEST(SignatureAlgebra, StraightLineIsTheTensorExponential) {
  for_each_case([](Case& c) {
    const Point from = c.points.front(), to = c.points.back();
    Point step(from.size());
    for (std::size_t j = 0; j < step.size(); ++j) step[j] = to[j] - from[j];
    Points line{from};
    for (int stops = c.integer(0, 4), k = 1; k <= stops; ++k) {
      line.push_back(from);
      for (std::size_t j = 0; j < step.size(); ++j)
        line.back()[j] += step[j] * k / (stops + 1);
    }
    line.push_back(to);
    expect_close(signature_of(line, c.depth),
                 flatten(exponential(step, c.depth)));
  });
}

using Word = std::vector<int>;

// All interleavings of u and v, which may repeat.
void shuffles(const Word& u, const Word& v, Word& prefix, std::size_t i,
              std::size_t j, std::vector<Word>& all) {
  if (i == u.size() && j == v.size()) all.push_back(prefix);
  const auto go_on = [&](int letter, std::size_t di, std::size_t dj) {
    prefix.push_back(letter);
    shuffles(u, v, prefix, i + di, j + dj, all);
    prefix.pop_back();
  };
  if (i < u.size()) go_on(u[i], 1, 0);
  if (j < v.size()) go_on(v[j], 0, 1);
}

// Ree 1958: <S, u> <S, v> = sum over the shuffles w of u and v of <S, w>.
TEST(SignatureAlgebra, ShuffleIdentity) {
  for_each_case([](Case& c) {
    c.depth = std::max(c.depth, 2);
    const Tensor tensor = signature_of(c.points, c.depth);
    const Series s = unflatten(tensor.data<double>(), c.channels, c.depth);
    const int total = c.integer(2, c.depth), left = c.integer(1, total - 1);
    Word u(left), v(total - left), prefix;
    for (int& letter : u) letter = c.integer(0, c.channels - 1);
    for (int& letter : v) letter = c.integer(0, c.channels - 1);
    std::vector<Word> all;
    shuffles(u, v, prefix, 0, 0, all);
    double sum = 0, scale = std::abs(s.at(u) * s.at(v));
    for (const Word& w : all) {
      sum += s.at(w);
      scale = std::max(scale, std::abs(s.at(w)));
    }
    EXPECT_LE(std::abs(sum - s.at(u) * s.at(v)), tolerance * (scale + 1));
  });
}

TEST(SignatureAlgebra, LevelsScale) {
  for_each_case([](Case& c) {
    const double factor = .5 + c.uniform();
    Points scaled = c.points;
    for (Point& p : scaled)
      for (double& x : p) x *= factor;
    const Tensor plain = signature_of(c.points, c.depth);
    Series expected = unflatten(plain.data<double>(), c.channels, c.depth);
    for (int k = 1; k <= c.depth; ++k)
      for (double& word : expected.levels[k]) word *= std::pow(factor, k);
    expect_close(signature_of(scaled, c.depth), flatten(expected));
  });
}

TEST(SignatureAlgebra, IgnoresWhereThePathLies) {
  for_each_case([](Case& c) {
    Point shift(c.channels);
    for (double& x : shift) x = c.normal();
    Points moved = c.points;
    for (Point& p : moved)
      for (std::size_t j = 0; j < p.size(); ++j) p[j] += shift[j];
    expect_close(signature_of(moved, c.depth), signature_of(c.points, c.depth));
  });
}

TEST(SignatureAlgebra, IgnoresHowFastThePathIsRun) {
  for_each_case([](Case& c) {
    Points finer{c.points[0]};
    for (std::size_t t = 1; t < c.points.size(); ++t) {
      double at = 0;
      for (int stops = c.integer(0, 3); stops > 0; --stops) {
        // The same place again, or one further along the segment.
        if (c.integer(0, 1)) at += (1 - at) * c.uniform();
        Point between = c.points[t - 1];
        for (std::size_t j = 0; j < between.size(); ++j)
          between[j] += at * (c.points[t][j] - c.points[t - 1][j]);
        finer.push_back(between);
      }
      finer.push_back(c.points[t]);
    }
    expect_close(signature_of(finer, c.depth), signature_of(c.points, c.depth));
  });
}

TEST(SignatureAlgebra, StreamHoldsTheSignaturesOfInitialPieces) {
  for_each_case([](Case& c) {
    const SignatureOptions options{.stream = true,
                                   .inverse = c.integer(0, 1) == 1};
    const Tensor stream = signature_of(c.points, c.depth, options);
    const std::int64_t columns = stream.size(2);
    ASSERT_EQ(stream.size(1) + 1, static_cast<std::int64_t>(c.points.size()));
    const auto all = stream.to_vector();
    for (std::int64_t row = 0; row < stream.size(1); ++row) {
      const Points piece(c.points.begin(), c.points.begin() + row + 2);
      const std::vector<double> got(all.begin() + row * columns,
                                    all.begin() + (row + 1) * columns);
      expect_close(signature_of(piece, c.depth, {.inverse = options.inverse}),
                   got);
    }
  });
}

// In all three coordinates: the logarithm of a signature is a Lie element.
TEST(SignatureAlgebra, ExponentialUndoesLogarithm) {
  for_each_case([](Case& c) {
    const Tensor s = signature_of(c.points, c.depth);
    const LogSignatureMode modes[] = {LogSignatureMode::expand,
                                      LogSignatureMode::words,
                                      LogSignatureMode::brackets};
    const LogSignatureConversion options{.mode = modes[c.integer(0, 2)]};
    const Tensor l = signature_to_logsignature(s, c.channels, c.depth, options);
    expect_close(logsignature_to_signature(l, c.channels, c.depth, options), s);
    expect_close(
        logsignature(path_of(c.points), c.depth, {.mode = options.mode}), l);
  });
}

// The logarithm of a straight line is its increment.
TEST(SignatureAlgebra, LogarithmOfAStraightLineIsItsIncrement) {
  for_each_case([](Case& c) {
    Points line = {c.points.front(), c.points.back()};
    const Tensor l = logsignature(path_of(line), c.depth,
                                  {.mode = LogSignatureMode::expand});
    std::vector<double> expected(l.numel());
    double scale = 1;
    for (std::size_t j = 0; j < line[0].size(); ++j) {
      expected[j] = line[1][j] - line[0][j];
      scale = std::max(scale, std::pow(std::abs(expected[j]), c.depth));
    }
    const std::vector<double> got = l.to_vector();
    for (std::size_t k = 0; k < got.size(); ++k)
      EXPECT_LE(std::abs(got[k] - expected[k]), tolerance * scale);
  });
}

}  // namespace
}  // namespace sigtape::test
