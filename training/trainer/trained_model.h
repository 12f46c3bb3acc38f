#pragma once

#include <memory>
#include <string>

#include "sigtape/layers/sequential.h"
#include "sigtape/training/config/config.h"
#include "sigtape/training/trainer/batch_source.h"
#include "sigtape/training/trainer/evaluate.h"
#include "sigtape/training/trainer/model_info.h"

namespace sigtape {

/// The best weights of a run, ready to be applied to data.
class TrainedModel {
 public:
  /// Reads config.yaml and best.safetensors of a run folder. Throws UsageError
  /// where it holds no run, FileError where nothing has been trained yet.
  explicit TrainedModel(const std::string& folder);

  const Config& config() const { return config_; }
  const ModelInfo& info() const { return info_; }
  Sequential& model() { return *model_; }
  bool is_classification() const { return info_.target == TargetKind::classes; }

  /// Loss and metrics on data with targets of the kind trained for.
  Evaluation evaluate_on(Dataset dataset);
  /// (cases, outputs): probabilities of the classes, or numbers in the units
  /// of the training file. Targets are not looked at.
  std::vector<double> predict_on(Dataset dataset);

 private:
  BatchSource source_of(Dataset dataset, TargetForm form) const;

  Config config_;
  ModelInfo info_;
  std::shared_ptr<Sequential> model_;
};

}  // namespace sigtape
