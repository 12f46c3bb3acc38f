#include "sigtape/training/trainer/trained_model.h"

#include <algorithm>
#include <filesystem>

#include "sigtape/framework/ops.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/io/safetensors.h"
#include "sigtape/training/model_factory.h"
#include "sigtape/training/run/run_folder.h"
#include "sigtape/training/trainer/fit.h"
#include "sigtape/training/trainer/weights.h"

namespace sigtape {

TrainedModel::TrainedModel(const std::string& folder) {
  const RunPaths paths = open_run(folder);
  config_ = load_config(paths.config().string());
  const std::string weights = paths.best().string();
  require<FileError>(std::filesystem::exists(weights), weights,
                     ": this run has no weights yet");
  const Safetensors file = read_safetensors(weights);
  info_ = read_info(file.metadata, weights);
  if (!info_.class_weights.empty()) {
    config_.train.class_weights = {ClassWeightsConfig::Kind::values,
                                   info_.class_weights};
  }
  model_ = make_model(config_.model, info_.outputs);
  model_->build(info_.input, tensor_options(config_));
  assign_arrays(model_->named_parameters(), file.arrays, weights);
}

Dataset TrainedModel::prepared(Dataset dataset) const {
  lengthen_streams(dataset, model_->least_length(), config_.data.short_streams);
  info_.normaliser.apply(dataset);
  return dataset;
}

Objective TrainedModel::objective_for(const Dataset& dataset) const {
  return Objective(config_.train, dataset, tensor_options(config_));
}

Evaluation TrainedModel::evaluate_on(Dataset dataset) {
  require<DataError>(dataset.target == info_.target, dataset.source,
                     ": expected ", is_classification() ? "classes" : "numbers",
                     " as targets, as in training");
  align_classes(dataset, info_.class_names);
  const Objective objective = objective_for(dataset);
  const BatchSource source(prepared(dataset), objective.target_form(),
                           tensor_options(config_));
  return evaluate(*model_, source, dataset, objective, info_.normaliser,
                  config_.train.batch_size);
}

std::vector<double> TrainedModel::predict_on(Dataset dataset) {
  dataset.target = TargetKind::none;
  dataset.outputs = 0;
  dataset.numbers.clear();
  const BatchSource source(prepared(std::move(dataset)), TargetForm::none,
                           tensor_options(config_));
  std::vector<double> outputs =
      predict(*model_, source, config_.train.batch_size);
  if (!is_classification()) {
    info_.normaliser.restore_targets(outputs);
    return outputs;
  }
  const auto rows = static_cast<std::int64_t>(outputs.size()) / info_.outputs;
  const Tensor logits =
      from_values(outputs, {rows, info_.outputs}, {DType::float64, {}});
  const bool independent = config_.train.loss == LossChoice::bce;
  return (independent ? sigmoid(logits) : softmax(logits)).to_vector();
}

}  // namespace sigtape
