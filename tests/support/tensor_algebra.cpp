#include "support/tensor_algebra.h"

#include <algorithm>

namespace sigtape::test {

namespace {

Series scaled_sum(double p, const Series& a, double q, const Series& b) {
  Series sum = a;
  for (std::size_t k = 0; k < a.levels.size(); ++k)
    for (std::size_t w = 0; w < a.levels[k].size(); ++w)
      sum.levels[k][w] = p * a.levels[k][w] + q * b.levels[k][w];
  return sum;
}

Series zero(std::int64_t channels, int depth) {
  Series a{channels, {}};
  std::size_t count = 1;
  for (int k = 0; k <= depth; ++k, count *= channels)
    a.levels.emplace_back(count, 0.0);
  return a;
}

// The points of path `b`, the basepoint first.
std::vector<std::vector<double>> points(const std::vector<double>& values,
                                        const Shape& shape, std::int64_t b,
                                        const SignatureOptions& options) {
  const std::int64_t length = shape[1], d = shape[2];
  std::vector<std::vector<double>> rows;
  const Basepoint& basepoint = options.basepoint;
  if (basepoint.kind() == Basepoint::Kind::zero) rows.emplace_back(d, 0.0);
  if (basepoint.points().defined()) {
    const auto all = basepoint.points().to_vector();
    const bool own = basepoint.kind() == Basepoint::Kind::tensor;
    const auto begin = all.begin() + (own ? b * d : 0);
    rows.emplace_back(begin, begin + d);
  }
  for (std::int64_t t = 0; t < length; ++t) {
    const auto begin = values.begin() + (b * length + t) * d;
    rows.emplace_back(begin, begin + d);
  }
  return rows;
}

}  // namespace

double Series::at(const std::vector<int>& word) const {
  std::size_t index = 0;
  for (const int letter : word) index = index * channels + letter;
  return levels[word.size()][index];
}

Series unit(std::int64_t channels, int depth) {
  Series one = zero(channels, depth);
  one.levels[0][0] = 1;
  return one;
}

Series product(const Series& a, const Series& b) {
  Series out = zero(a.channels, a.depth());
  for (int n = 0; n <= a.depth(); ++n)
    for (int k = 0; k <= n; ++k) {
      const auto &left = a.levels[k], &right = b.levels[n - k];
      for (std::size_t u = 0; u < left.size(); ++u)
        for (std::size_t w = 0; w < right.size(); ++w)
          out.levels[n][u * right.size() + w] += left[u] * right[w];
    }
  return out;
}

Series exponential(const std::vector<double>& x, int depth) {
  Series out = unit(static_cast<std::int64_t>(x.size()), depth);
  for (int k = 1; k <= depth; ++k)
    for (std::size_t w = 0; w < out.levels[k].size(); ++w)
      out.levels[k][w] = out.levels[k - 1][w / x.size()] * x[w % x.size()] / k;
  return out;
}

Series inverse(const Series& a) {
  const Series one = unit(a.channels, a.depth());
  const Series rest = scaled_sum(1, one, -1, a);
  Series sum = one, power = one;
  for (int k = 1; k <= a.depth(); ++k) {
    power = product(power, rest);
    sum = scaled_sum(1, sum, 1, power);
  }
  return sum;
}

Series logarithm(const Series& a) {
  const Series one = unit(a.channels, a.depth());
  const Series rest = scaled_sum(1, a, -1, one);
  Series sum = zero(a.channels, a.depth()), power = one;
  for (int k = 1; k <= a.depth(); ++k) {
    power = product(power, rest);
    sum = scaled_sum(1, sum, (k % 2 ? 1.0 : -1.0) / k, power);
  }
  return sum;
}

std::vector<double> flatten(const Series& a, bool scalar_term) {
  std::vector<double> row;
  for (std::size_t k = scalar_term ? 0 : 1; k < a.levels.size(); ++k)
    row.insert(row.end(), a.levels[k].begin(), a.levels[k].end());
  return row;
}

Series unflatten(const double* values, std::int64_t channels, int depth,
                 bool scalar_term) {
  Series a = unit(channels, depth);
  values += scalar_term;
  for (int k = 1; k <= depth; ++k)
    for (double& word : a.levels[k]) word = *values++;
  return a;
}

std::vector<double> naive_signature(const Tensor& path, int depth,
                                    const SignatureOptions& options) {
  const Shape& shape = path.shape();
  const std::int64_t d = shape[2];
  const std::int64_t columns =
      signature_channels(d, depth, options.scalar_term);
  const auto values = path.to_vector();
  const auto initial = options.initial.defined() ? options.initial.to_vector()
                                                 : std::vector<double>();
  const auto lengths = options.lengths.defined() ? options.lengths.to_vector()
                                                 : std::vector<double>();
  std::vector<double> out;
  for (std::int64_t b = 0; b < shape[0]; ++b) {
    const auto rows = points(values, shape, b, options);
    const std::size_t unused =
        lengths.empty() ? 0 : static_cast<std::size_t>(shape[1] - lengths[b]);
    Series signature = unit(d, depth);
    for (std::size_t t = 1; t < rows.size(); ++t) {
      if (t < rows.size() - unused) {
        std::vector<double> dx = rows[t];
        for (std::int64_t j = 0; j < d; ++j) dx[j] -= rows[t - 1][j];
        signature = product(signature, exponential(dx, depth));
      }
      if (!options.stream && t + 1 < rows.size()) continue;
      Series result = options.inverse ? inverse(signature) : signature;
      if (!initial.empty()) {
        const Series before =
            unflatten(&initial[b * columns], d, depth, options.scalar_term);
        result =
            options.inverse ? product(result, before) : product(before, result);
      }
      const auto row = flatten(result, options.scalar_term);
      out.insert(out.end(), row.begin(), row.end());
    }
  }
  return out;
}

}  // namespace sigtape::test
