#pragma once

#include <memory>
#include <optional>

#include "sigtape/layers/sequential.h"
#include "sigtape/training/config/config.h"
#include "sigtape/training/data/dataset.h"
#include "sigtape/training/trainer/evaluate.h"
#include "sigtape/training/trainer/model_info.h"
#include "sigtape/training/trainer/plan.h"
#include "sigtape/training/trainer/prepare.h"
#include "sigtape/training/trainer/trainer.h"

namespace sigtape {

/// The training part and, where the configuration wants one, the validation
/// part, as the files have them.
struct TrainingData {
  Dataset train;
  std::optional<Dataset> validation;
};

/// Reads and splits what `config` names.
TrainingData load_training_data(const Config& config);

/// Reads the test data of `config`, which must have some, with the classes
/// numbered as in training. Throws DataError where they are others.
Dataset load_test_data(const Config& config, const ModelInfo& info);

/// Takes the validation fraction of `config`, if it has one, out of `train`.
TrainingData split_training_data(const Config& config, Dataset train);

/// Number type and device of a configuration. Throws DeviceError.
TensorOptions tensor_options(const Config& config);

/// Bytes that `config` lets a run take.
std::int64_t memory_limit_of(const Config& config);

/// A model and its training in memory: data normalised, parameters drawn,
/// optimiser and schedule ready. Writes no files.
class Fit {
 public:
  /// Checks configuration, data, model and memory against each other and
  /// builds all.
  Fit(const Config& config, TrainingData data);
  Fit(const Fit&) = delete;
  Fit& operator=(const Fit&) = delete;

  Sequential& model() { return *model_; }
  Optimizer& optimizer() { return *optimizer_; }
  Trainer& trainer() { return *trainer_; }
  const Objective& objective() const { return objective_; }
  const BatchSource& training_source() const { return *training_; }
  const ModelInfo& info() const { return info_; }
  const MemoryPlan& plan() const { return plan_; }
  /// The sizes that the plan is for.
  const PlannedData& planned_data() const { return planned_; }

  /// Throws DataError where evaluate_on would.
  void require_evaluable(const Dataset& dataset) const;
  /// Evaluates the model as it is on data as a file has it.
  Evaluation evaluate_on(Dataset dataset);

 private:
  void make_plan(const Dataset& train, const Dataset* validation);
  bool has_room(std::int64_t more) const;
  Residence residence_of(const Dataset& more) const;
  BatchSource source_of(Dataset dataset, Residence residence) const;
  Validation validate();
  void make_trainer();

  Config config_;
  TensorOptions options_;
  Objective objective_;
  std::shared_ptr<Sequential> model_;
  ModelInfo info_;
  PlannedData planned_;
  MemoryPlan plan_;
  Residence residence_ = Residence::device;  // of the training data
  std::int64_t limit_ = 0;
  std::optional<BatchSource> training_;
  std::optional<Dataset> validation_data_;
  std::optional<BatchSource> validation_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Trainer> trainer_;
};

}  // namespace sigtape
