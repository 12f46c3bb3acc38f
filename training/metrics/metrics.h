#pragma once

#include <cstdint>
#include <span>

namespace sigtape {

/// Quality of predicted classes.
struct ClassMetrics {
  /// Share of cases whose class was found.
  double accuracy = 0;
  /// Mean over the classes that occur of the share found (recall).
  double balanced_accuracy = 0;
  /// Mean over the classes that occur or were predicted of
  /// 2 TP / (2 TP + FP + FN): macro F1, as in scikit-learn.
  double f1 = 0;
};

/// Both [cases], classes 0..classes-1; at least one case.
ClassMetrics class_metrics(std::span<const std::int64_t> predicted,
                           std::span<const std::int64_t> target,
                           std::int64_t classes);

/// Quality of predicted numbers, over all cases and outputs.
struct NumberMetrics {
  double rmse = 0;
  double mae = 0;
  /// 1 - sum e^2 / sum (y - mean y)^2, averaged over the outputs; where an
  /// output is constant 1 if it is met exactly and 0 otherwise.
  double r2 = 0;
};

/// Both [cases, outputs]; at least one case.
NumberMetrics number_metrics(std::span<const double> predicted,
                             std::span<const double> target,
                             std::int64_t outputs);

}  // namespace sigtape
