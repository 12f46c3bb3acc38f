#pragma once

#include <span>
#include <string>
#include <vector>

#include "sigtape/framework/tensor.h"
#include "sigtape/training/config/config.h"
#include "sigtape/training/data/dataset.h"
#include "sigtape/training/data/normaliser.h"
#include "sigtape/training/trainer/batch_source.h"

namespace sigtape {

/// The loss of a configuration for a kind of target: what the model must put
/// out, how targets are handed over, and how outputs become predictions.
class Objective {
 public:
  /// Throws UsageError where the loss does not fit the targets (cross_entropy
  /// for numbers, mse for classes, ...) or class_weights the classes, DataError
  /// as require_targets.
  Objective(const TrainConfig& config, const Dataset& training,
            TensorOptions options);

  bool is_classification() const { return classes_ > 0; }
  TargetForm target_form() const { return form_; }
  /// Whether targets are standardised by the training part (where data is
  /// normalised at all): for mse, mae and huber.
  bool standardises_targets() const;
  /// Width of the model's output: classes or numbers.
  std::int64_t outputs() const { return outputs_; }
  std::int64_t classes() const { return classes_; }

  /// Throws DataError where bce is given numbers that are no probabilities.
  void require_targets(const Dataset& dataset) const;
  /// Turns the model's outputs for numbers, [rows, outputs], into predictions
  /// in the units of the file: undoes the standardisation, or for bce makes
  /// logits probabilities.
  void to_numbers(std::span<double> outputs,
                  const Normaliser& normaliser) const;

  /// One per class, or empty.
  std::vector<double> class_weights() const;

  /// The mean loss of a batch: output (batch, outputs).
  Tensor loss(const Tensor& output, const Tensor& targets) const;
  /// What a batch's mean counts in a mean over several batches: its cases, or
  /// the sum of their class weights.
  double weight(const Tensor& targets) const;
  /// The same as one float64 on the targets' device, or undefined where it is
  /// the number of cases.
  Tensor weight_there(const Tensor& targets) const;

 private:
  LossChoice kind_;
  TargetForm form_;
  std::int64_t outputs_ = 0;
  std::int64_t classes_ = 0;
  double label_smoothing_;
  Tensor class_weights_;
};

}  // namespace sigtape
