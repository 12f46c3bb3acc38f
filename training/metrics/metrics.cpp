#include "sigtape/training/metrics/metrics.h"

#include <cmath>
#include <vector>

namespace sigtape {

ClassMetrics class_metrics(std::span<const std::int64_t> predicted,
                           std::span<const std::int64_t> target,
                           std::int64_t classes) {
  std::vector<double> hits(classes), truths(classes), guesses(classes);
  double correct = 0;
  for (std::size_t i = 0; i < target.size(); ++i) {
    ++truths[target[i]];
    ++guesses[predicted[i]];
    if (predicted[i] != target[i]) continue;
    ++hits[target[i]];
    ++correct;
  }
  double recall = 0, f1 = 0, present = 0, seen = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    if (truths[c] > 0) {
      recall += hits[c] / truths[c];
      ++present;
    }
    if (truths[c] + guesses[c] > 0) {
      f1 += 2 * hits[c] / (truths[c] + guesses[c]);
      ++seen;
    }
  }
  return {correct / static_cast<double>(target.size()), recall / present,
          f1 / seen};
}

namespace {

// 1 - residual / variance of one output.
double r2_of(std::span<const double> predicted, std::span<const double> target,
             std::int64_t output, std::int64_t outputs) {
  const std::size_t cases = target.size() / outputs;
  double mean = 0, residual = 0, variance = 0;
  bool constant = true;
  for (std::size_t i = 0; i < cases; ++i) {
    const double y = target[i * outputs + output];
    mean += y / static_cast<double>(cases);
    constant = constant && y == target[output];
  }
  for (std::size_t i = 0; i < cases; ++i) {
    const double y = target[i * outputs + output];
    const double e = predicted[i * outputs + output] - y;
    residual += e * e;
    variance += (y - mean) * (y - mean);
  }
  if (constant) return residual == 0 ? 1 : 0;
  return 1 - residual / variance;
}

}  // namespace

NumberMetrics number_metrics(std::span<const double> predicted,
                             std::span<const double> target,
                             std::int64_t outputs) {
  NumberMetrics metrics;
  const auto count = static_cast<double>(target.size());
  double squares = 0;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const double e = predicted[i] - target[i];
    squares += e * e;
    metrics.mae += std::abs(e) / count;
  }
  metrics.rmse = std::sqrt(squares / count);
  for (std::int64_t o = 0; o < outputs; ++o) {
    metrics.r2 +=
        r2_of(predicted, target, o, outputs) / static_cast<double>(outputs);
  }
  return metrics;
}

}  // namespace sigtape
