#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace sigtape::test {

/// `count` normal numbers of mean 0 from a fixed generator.
template <class T>
std::vector<T> random_values(std::int64_t count, unsigned seed,
                             double deviation) {
  std::mt19937 bits(seed);
  std::normal_distribution<double> normal(0, deviation);
  std::vector<T> values(count);
  for (T& v : values) v = static_cast<T>(normal(bits));
  return values;
}

/// The same numbers in float64.
inline std::vector<double> to_double(const std::vector<double>& v) { return v; }
inline std::vector<double> to_double(const std::vector<float>& v) {
  return {v.begin(), v.end()};
}

}  // namespace sigtape::test
