#include "sigtape/training/data/generators.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "sigtape/framework/check.h"
#include "sigtape/framework/random.h"
#include "sigtape/training/data/random_streams.h"
#include "sigtape/training/io/named_array.h"

namespace sigtape {

namespace {

using Complex = std::complex<double>;

// The order of the circulant matrix: a power of two, at least twice the steps.
std::size_t circulant_order(std::int64_t steps) {
  return 2 * std::bit_ceil(static_cast<std::size_t>(steps));
}

// sum_j a[j] exp(-2 pi i j k / n) in place, n a power of two.
void fourier(std::vector<Complex>& a) {
  const std::size_t n = a.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(a[i], a[j]);
  }
  for (std::size_t size = 2; size <= n; size *= 2) {
    for (std::size_t k = 0; k < size / 2; ++k) {
      const double angle = -2 * std::numbers::pi * static_cast<double>(k) /
                           static_cast<double>(size);
      const Complex turn = std::polar(1.0, angle);
      for (std::size_t i = k; i < n; i += size) {
        const Complex even = a[i], odd = turn * a[i + size / 2];
        a[i] = even + odd;
        a[i + size / 2] = even - odd;
      }
    }
  }
}

// Covariance of two increments of unit steps, `lag` steps apart.
double increment_covariance(double hurst, std::size_t lag) {
  const auto power = [&](double k) { return std::pow(k, 2 * hurst); };
  const auto k = static_cast<double>(lag);
  return (power(k + 1) - 2 * power(k) + power(std::abs(k - 1))) / 2;
}

// Roots of the circulant matrix's eigenvalues over its order.
std::vector<double> eigenvalue_roots(double hurst, std::size_t order) {
  std::vector<Complex> row(order);
  for (std::size_t k = 0; k < order; ++k) {
    row[k] = increment_covariance(hurst, std::min(k, order - k));
  }
  fourier(row);
  std::vector<double> roots(order);
  for (std::size_t k = 0; k < order; ++k) {
    roots[k] =
        std::sqrt(std::max(row[k].real(), 0.0) / static_cast<double>(order));
  }
  return roots;
}

double step_of(double duration, std::span<const double> path) {
  return duration / static_cast<double>(path.size() - 1);
}

}  // namespace

std::int64_t fractional_brownian_normals(std::int64_t steps) {
  return 2 * static_cast<std::int64_t>(circulant_order(steps));
}

void fractional_brownian_path(double hurst, double duration,
                              std::span<const double> normals,
                              std::span<double> path) {
  require(hurst > 0 && hurst < 1,
          "fbm: expected a Hurst exponent between 0 and 1, got ", hurst);
  const auto steps = static_cast<std::int64_t>(path.size()) - 1;
  const std::size_t order = circulant_order(std::max<std::int64_t>(steps, 1));
  require(steps >= 1 && normals.size() == 2 * order, "fbm: expected ",
          2 * order, " normal numbers for ", steps, " steps, got ",
          normals.size());
  const std::vector<double> roots = eigenvalue_roots(hurst, order);
  std::vector<Complex> noise(order);
  for (std::size_t k = 0; k < order; ++k) {
    noise[k] = roots[k] * Complex(normals[2 * k], normals[2 * k + 1]);
  }
  fourier(noise);
  const double scale = std::pow(step_of(duration, path), hurst);
  path[0] = 0;
  for (std::size_t t = 1; t < path.size(); ++t) {
    path[t] = path[t - 1] + scale * noise[t - 1].real();
  }
}

void ornstein_uhlenbeck_path(double speed, double level, double volatility,
                             double duration, std::span<const double> normals,
                             std::span<double> path) {
  require(speed > 0, "ornstein_uhlenbeck: expected a speed above 0, got ",
          speed);
  require(normals.size() + 1 == path.size(),
          "ornstein_uhlenbeck: expected one normal number per step, got ",
          normals.size(), " for ", path.size(), " points");
  const double dt = step_of(duration, path), decay = std::exp(-speed * dt);
  const double spread =
      volatility * std::sqrt(-std::expm1(-2 * speed * dt) / (2 * speed));
  for (std::size_t t = 1; t < path.size(); ++t) {
    path[t] = level + (path[t - 1] - level) * decay + spread * normals[t - 1];
  }
}

void geometric_brownian_path(double drift, double volatility, double duration,
                             std::span<const double> normals,
                             std::span<double> path) {
  require(normals.size() + 1 == path.size(),
          "geometric_brownian: expected one normal number per step, got ",
          normals.size(), " for ", path.size(), " points");
  const double dt = step_of(duration, path);
  const double mean = (drift - volatility * volatility / 2) * dt;
  for (std::size_t t = 1; t < path.size(); ++t) {
    path[t] = path[t - 1] *
              std::exp(mean + volatility * std::sqrt(dt) * normals[t - 1]);
  }
}

namespace {

// The parameter that differs from case to case.
const std::vector<double>& varied(const GeneratorSource& source) {
  if (source.kind == GeneratorChoice::fbm) return source.hurst;
  if (source.kind == GeneratorChoice::ornstein_uhlenbeck) return source.speed;
  return source.volatility;
}

double drawn_parameter(const GeneratorSource& source, std::uint64_t seed,
                       std::uint64_t index) {
  const std::vector<double>& choices = varied(source);
  const double u = philox_uniform(
      seed, index, static_cast<std::uint64_t>(RandomStream::parameters));
  return choices[static_cast<std::size_t>(u *
                                          static_cast<double>(choices.size()))];
}

// Path number `index` of a law with its own parameter.
void draw_path(const GeneratorSource& source, double own, std::uint64_t seed,
               std::uint64_t index, std::span<double> normals,
               std::span<double> path) {
  for (std::size_t k = 0; k < normals.size(); ++k) {
    normals[k] = philox_normal(seed, index * normals.size() + k,
                               static_cast<std::uint64_t>(RandomStream::noise));
  }
  path[0] = source.start;
  switch (source.kind) {
    case GeneratorChoice::fbm:
      return fractional_brownian_path(own, source.duration, normals, path);
    case GeneratorChoice::ornstein_uhlenbeck:
      return ornstein_uhlenbeck_path(own, source.level, source.volatility[0],
                                     source.duration, normals, path);
    case GeneratorChoice::geometric_brownian:
      return geometric_brownian_path(source.drift, own, source.duration,
                                     normals, path);
  }
}

}  // namespace

Dataset make_generated(const GeneratorSource& source, std::uint64_t seed) {
  const std::string name = name_of(source.kind);
  require(!varied(source).empty() && !source.volatility.empty() &&
              source.cases >= 1 && source.length >= 2,
          name,
          ": expected cases, at least 2 points and a value of each parameter");
  Dataset data;
  data.source = name;
  data.channels = 1;
  data.target = TargetKind::numbers;
  data.outputs = 1;
  data.values.reserve(element_count({source.cases, source.length}, name));
  const std::int64_t steps = source.length - 1;
  std::vector<double> normals(static_cast<std::size_t>(
      source.kind == GeneratorChoice::fbm ? fractional_brownian_normals(steps)
                                          : steps));
  std::vector<double> path(static_cast<std::size_t>(source.length));
  for (std::int64_t i = 0; i < source.cases; ++i) {
    const auto index = static_cast<std::uint64_t>(i);
    const double own = drawn_parameter(source, seed, index);
    draw_path(source, own, seed, index, normals, path);
    data.add_stream(path);
    data.numbers.push_back(own);
  }
  return data;
}

}  // namespace sigtape
