#include "sigtape/layers/signature/signature_normalise.h"

#include <cmath>
#include <vector>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/channels.h"

namespace sigtape {

namespace {

// sum_k lambda^(2k) n_k = target, for one signature, by bisection.
double solved(const double* squares, std::int64_t depth, double target) {
  const auto sum = [&](double lambda) {
    double value = 0;
    for (std::int64_t k = depth; k-- > 0;)
      value = (value + squares[k]) * lambda * lambda;
    return value;
  };
  double low = 0, high = 1;
  if (sum(1) <= target) return 1;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (sum(middle) > target ? high : low) = middle;
  }
  return (low + high) / 2;
}

// 1, 2, .. depth as a row.
Tensor levels(std::int64_t depth, TensorOptions options) {
  return linspace(1, static_cast<double>(depth), depth, options);
}

// The squared norm of each level, (batch, depth).
Tensor level_squares(const Tensor& words, std::int64_t channels,
                     std::int64_t depth) {
  std::vector<Tensor> squares;
  for (std::int64_t k = 1; k <= depth; ++k) {
    const Tensor level = slice(words, 1, level_offset(channels, k),
                               level_offset(channels, k + 1));
    squares.push_back(sum(level * level, {1}, true));
  }
  return concat(squares, 1);
}

}  // namespace

Tensor signature_normalise(const Tensor& signature, std::int64_t channels,
                           std::int64_t depth, double bound, bool scalar_term) {
  constexpr const char* op = "signature_normalise";
  const std::int64_t columns = signature_channels(channels, depth, scalar_term);
  require(signature.defined() && is_floating(signature.dtype()) &&
              signature.rank() == 2 && signature.size(0) > 0 &&
              signature.size(1) == columns,
          op, ": expected signatures (batch, ", columns, ") for ", channels,
          " channels and depth ", depth, ", got ",
          signature.defined() ? signature.shape() : Shape());
  require(bound >= 1, op, ": expected a bound of at least 1, got ", bound);
  const std::int64_t batch = signature.size(0);
  const TensorOptions options{signature.dtype(), signature.device()};
  const Tensor words = slice(signature, 1, scalar_term, columns);
  const Tensor squares = level_squares(words, channels, depth);
  const Tensor norm = sum(squares, {1}, true) + 1;
  // Where the norm is below the bound, lambda is 1 and has no derivative.
  const std::vector<double> norms = norm.to_vector();
  const std::vector<double> all = squares.to_vector();
  std::vector<double> start(batch), inside(batch);
  for (std::int64_t b = 0; b < batch; ++b) {
    inside[b] = norms[b] <= bound;
    const double target = 2 * bound - bound * bound / norms[b] - 1;
    start[b] = inside[b] != 0 ? 1 : solved(&all[b * depth], depth, target);
  }
  const Tensor keep =
      from_values(inside, {batch, 1}, {DType::int64, signature.device()});
  const Tensor target = 2 * bound - 1 - (bound * bound) / norm;
  const Tensor k = reshape(levels(depth, options), {1, depth});
  Tensor lambda = from_values(start, {batch, 1}, options);
  // Newton's method from the solution: two steps do not change the value, and
  // give it its first two derivatives.
  for (int i = 0; i < 2; ++i) {
    const Tensor terms = squares * pow(lambda, k * 2.);
    const Tensor slope = sum(terms * k * 2., {1}, true) / lambda;
    const Tensor next = lambda - (sum(terms, {1}, true) - target) / slope;
    lambda = where(keep, ones({1}, options), next);
  }
  std::vector<double> level_of_word;
  for (std::int64_t level = 1; level <= depth; ++level)
    level_of_word.resize(level_offset(channels, level + 1),
                         static_cast<double>(level));
  const Tensor exponent = from_values(
      level_of_word, {1, static_cast<std::int64_t>(level_of_word.size())},
      options);
  const Tensor result = words * pow(lambda, exponent);
  return scalar_term ? pad(result, 1, 1, 0, 1) : result;
}

}  // namespace sigtape
