#pragma once

#include <cstdint>
#include <vector>

#include "sigtape/layers/module.h"
#include "sigtape/training/data/normaliser.h"
#include "sigtape/training/metrics/metrics.h"
#include "sigtape/training/trainer/batch_source.h"
#include "sigtape/training/trainer/objective.h"

namespace sigtape {

/// The model's outputs for every case, in order, without recording and in
/// evaluation mode: (cases, outputs) in double.
std::vector<double> predict(Module& model, const BatchSource& source,
                            std::int64_t batch_size);

/// The position of the largest of each row's `outputs` numbers.
std::vector<std::int64_t> predicted_classes(const std::vector<double>& outputs,
                                            std::int64_t classes);

/// How good a model is on a data set.
struct Evaluation {
  bool classification = false;
  /// The mean of the training loss, in its units.
  double loss = 0;
  /// For classes.
  ClassMetrics classes;
  /// For numbers, in the units of the file.
  NumberMetrics numbers;

  /// accuracy for classes, rmse for numbers.
  double headline() const {
    return classification ? classes.accuracy : numbers.rmse;
  }
};

/// Evaluates on `source`, which holds `dataset` (with its targets in the units
/// of the file) after normalisation.
Evaluation evaluate(Module& model, const BatchSource& source,
                    const Dataset& dataset, const Objective& objective,
                    const Normaliser& normaliser, std::int64_t batch_size);

}  // namespace sigtape
