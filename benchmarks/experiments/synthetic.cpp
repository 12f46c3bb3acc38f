// Tasks with a known answer.
//
//   experiment_synthetic task=functional cases=400 seed=0
//
// functional: a random linear functional of the signature (2 channels, depth 5)
// of random walks, learned by least squares on the library's signatures, in
// float64. The targets are computed by products of exponentials in plain loops,
// not by the library. Prints {"mse": ..., "relative_mse": ...} on new paths.
//
//   experiment_synthetic task=area cases=N seed=0 output=PREFIX
//
// area: streams of 24 points on a small circle walked to the left or to the
// right from a random angle, once around, with noise. Both classes have the
// same end points and the same law of each single point. Classes: the sense.
//
//   experiment_synthetic task=order warp=W cases=N seed=0 output=PREFIX
//
// order: two channels that rise from 0 to 1; the class says which did first.
// The stream is walked at a random speed, exp(W times a smooth random
// function). area and order write PREFIX-x.npy and PREFIX-y.npy.
#include <sigtape/sigtape.h>

#include <cmath>
#include <cstdio>
#include <numbers>
#include <vector>

#include "sigtape/benchmarks/experiments/options.h"
#include "sigtape/training/data/npy.h"

using namespace sigtape;

namespace {

constexpr std::int64_t kPoints = 24;

/// Random numbers of a task, a function of seed and place alone.
struct Chance {
  std::uint64_t seed, stream, index = 0;
  double uniform() { return philox_uniform(seed, index++, stream); }
  double normal() { return philox_normal(seed, index++, stream); }
};

using Path = std::vector<double>;  // points of two channels

// ---- functional

constexpr int kDepth = 5, kChannels = 2;

/// exp(increment), level after level, and the product of two such series by
/// the definition: word w is the sum over its cuts w = uv.
using Series = std::vector<std::vector<double>>;

Series exponential(const double* increment) {
  Series s = {{1}};
  for (int k = 1; k <= kDepth; ++k) {
    std::vector<double> level;
    for (const double shorter : s.back())
      for (int c = 0; c < kChannels; ++c)
        level.push_back(shorter * increment[c] / k);
    s.push_back(level);
  }
  return s;
}

Series product(const Series& a, const Series& b) {
  Series s;
  for (int k = 0; k <= kDepth; ++k) {
    std::vector<double> level(std::size_t{1} << k);
    for (int cut = 0; cut <= k; ++cut)
      for (std::size_t w = 0; w < level.size(); ++w)
        level[w] += a[cut][w >> (k - cut)] *
                    b[k - cut][w & ((std::size_t{1} << (k - cut)) - 1)];
    s.push_back(level);
  }
  return s;
}

double functional_of(const Path& path, const std::vector<double>& weights) {
  const double none[kChannels] = {};
  Series s = exponential(none);
  for (std::size_t t = 2; t < path.size(); t += 2) {
    const double step[] = {path[t] - path[t - 2], path[t + 1] - path[t - 1]};
    s = product(s, exponential(step));
  }
  double sum = 0;
  std::size_t i = 0;
  for (int k = 1; k <= kDepth; ++k)
    for (const double term : s[k]) sum += weights[i++] * term;
  return sum;
}

Path random_walk(Chance& chance) {
  Path path = {0, 0};
  while (path.size() < 2 * kPoints)
    path.push_back(path[path.size() - 2] +
                   chance.normal() / std::sqrt(double{kPoints}));
  return path;
}

// Solves A x = b, A symmetric and positive, by elimination with pivots.
std::vector<double> solve(std::vector<std::vector<double>> a,
                          std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < n; ++i)
      if (std::abs(a[i][k]) > std::abs(a[pivot][k])) pivot = i;
    std::swap(a[k], a[pivot]);
    std::swap(b[k], b[pivot]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const double f = a[i][k] / a[k][k];
      for (std::size_t j = k; j < n; ++j) a[i][j] -= f * a[k][j];
      b[i] -= f * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) b[k] -= a[k][j] * b[j];
    b[k] /= a[k][k];
  }
  return b;
}

struct Regression {
  std::vector<std::vector<double>> features;
  std::vector<double> targets;
};

Regression draw_regression(std::int64_t cases,
                           const std::vector<double>& weights, Chance chance) {
  std::vector<double> points;
  Regression data;
  for (std::int64_t i = 0; i < cases; ++i) {
    const Path path = random_walk(chance);
    points.insert(points.end(), path.begin(), path.end());
    data.targets.push_back(functional_of(path, weights));
  }
  const Tensor s = signature(
      from_values(points, {cases, kPoints, kChannels}, {DType::float64, {}}),
      kDepth);
  const auto terms = static_cast<std::ptrdiff_t>(s.size(1));
  const auto values = s.to_vector();
  for (auto at = values.begin(); at != values.end(); at += terms)
    data.features.emplace_back(at, at + terms);
  return data;
}

int run_functional(std::int64_t cases, std::uint64_t seed) {
  Chance chance{seed, 11};
  std::vector<double> weights;
  for (std::int64_t i = 0; i < signature_channels(kChannels, kDepth); ++i)
    weights.push_back(chance.normal());
  const Regression train = draw_regression(cases, weights, {seed, 12});
  const Regression test = draw_regression(cases, weights, {seed, 13});
  const std::size_t n = weights.size();
  std::vector<std::vector<double>> gram(n, std::vector<double>(n));
  std::vector<double> right(n);
  for (std::size_t i = 0; i < train.targets.size(); ++i) {
    const auto& f = train.features[i];
    for (std::size_t j = 0; j < n; ++j) {
      right[j] += f[j] * train.targets[i];
      for (std::size_t k = 0; k < n; ++k) gram[j][k] += f[j] * f[k];
    }
  }
  // A trace of ridge: shuffle identities hold between products, not terms, but
  // the terms of high level are small.
  for (std::size_t j = 0; j < n; ++j) gram[j][j] += 1e-13;
  const std::vector<double> found = solve(gram, right);
  double squares = 0, size = 0;
  for (std::size_t i = 0; i < test.targets.size(); ++i) {
    double y = 0;
    for (std::size_t j = 0; j < n; ++j) y += found[j] * test.features[i][j];
    squares += std::pow(y - test.targets[i], 2);
    size += std::pow(test.targets[i], 2);
  }
  std::printf("{\"mse\": %.6g, \"relative_mse\": %.6g}\n",
              squares / static_cast<double>(cases), squares / size);
  return 0;
}

// ---- classes

// Once around a circle from a random angle, to the left (1) or right (0), with
// noise; then closed.
Path circle(int sense, Chance& chance) {
  const double start = 2 * std::numbers::pi * chance.uniform();
  Path path;
  for (std::int64_t t = 0; t < kPoints; ++t) {
    const double angle = start + (sense ? 1 : -1) * 2 * std::numbers::pi *
                                     static_cast<double>(t) / (kPoints - 1);
    const bool end = t == 0 || t == kPoints - 1;
    const double noise = end ? 0 : 0.2;
    path.push_back(std::cos(angle) + noise * chance.normal());
    path.push_back(std::sin(angle) + noise * chance.normal());
  }
  return path;
}

// From 0 to 1 around `when`.
double rise(double time, double when) {
  return 1 / (1 + std::exp(-(time - when) / 0.03));
}

// Times of the points: increasing from 0 to 1 at a speed that varies smoothly.
std::vector<double> warped_times(double warp, Chance& chance) {
  const double a = warp * chance.normal(), b = warp * chance.normal();
  std::vector<double> times = {0};
  for (std::int64_t t = 1; t < kPoints * 2; ++t) {
    const double u =
        2 * std::numbers::pi * static_cast<double>(t) / (kPoints * 2);
    times.push_back(times.back() + std::exp(a * std::sin(u) + b * std::cos(u)));
  }
  for (double& time : times) time /= times.back();
  return times;
}

Path order(int second_first, double warp, Chance& chance) {
  const double early = 0.2 + 0.2 * chance.uniform();
  const double late = 0.6 + 0.2 * chance.uniform();
  Path path;
  for (const double time : warped_times(warp, chance)) {
    const double one = rise(time, second_first ? late : early);
    const double two = rise(time, second_first ? early : late);
    path.push_back(one + 0.02 * chance.normal());
    path.push_back(two + 0.02 * chance.normal());
  }
  return path;
}

int write_classes(const Options& options, std::int64_t cases,
                  std::uint64_t seed) {
  const bool area = options.text("task") == "area";
  require(area || options.text("task") == "order",
          "task: expected functional, area or order, got ",
          options.text("task"));
  std::vector<double> points;
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < cases; ++i) {
    Chance chance{seed, static_cast<std::uint64_t>(i) + 100};
    const int label = chance.uniform() < 0.5;
    const Path path = area ? circle(label, chance)
                           : order(label, options.number("warp"), chance);
    points.insert(points.end(), path.begin(), path.end());
    labels.push_back(label);
  }
  const auto length = static_cast<std::int64_t>(points.size()) / cases / 2;
  const std::string& prefix = options.text("output");
  write_npy(prefix + "-x.npy", npy_array<double>({cases, length, 2}, points));
  write_npy(prefix + "-y.npy", npy_array<std::int64_t>({cases}, labels));
  return 0;
}

int run(const Options& options) {
  set_num_threads(1);
  const auto seed = static_cast<std::uint64_t>(options.integer("seed"));
  const std::int64_t cases = options.integer("cases");
  if (options.text("task") == "functional") return run_functional(cases, seed);
  return write_classes(options, cases, seed);
}

}  // namespace

int main(int count, char** arguments) try {
  return run(Options(count, arguments,
                     {{"task", "functional"},
                      {"cases", "400"},
                      {"seed", "0"},
                      {"warp", "0"},
                      {"output", "synthetic"}}));
} catch (const std::exception& error) {
  std::fprintf(stderr, "experiment_synthetic: %s\n", error.what());
  return 1;
}
