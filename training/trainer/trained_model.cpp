#include "sigtape/training/trainer/trained_model.h"

#include <algorithm>
#include <filesystem>

#include "sigtape/framework/allocator.h"
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
  set_memory_limit(memory_limit_of(config_));
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

BatchSource TrainedModel::source_of(Dataset dataset, TargetForm form) const {
  return BatchSource(
      prepared(std::move(dataset), info_, *model_, config_.data.short_streams),
      form, tensor_options(config_));
}

Evaluation TrainedModel::evaluate_on(Dataset dataset) {
  require_targets(dataset, info_);
  align_classes(dataset, info_.class_names);
  const Objective objective(config_.train, dataset, tensor_options(config_));
  return evaluate(*model_, source_of(dataset, objective.target_form()), dataset,
                  objective, info_.normaliser, config_.train.batch_size);
}

std::vector<double> TrainedModel::predict_on(Dataset dataset) {
  dataset.target = TargetKind::none;
  dataset.outputs = 0;
  dataset.numbers.clear();
  const BatchSource source = source_of(std::move(dataset), TargetForm::none);
  std::vector<double> outputs =
      predict(*model_, source, config_.train.batch_size);
  const auto rows = static_cast<std::int64_t>(outputs.size()) / info_.outputs;
  const bool independent = config_.train.loss == LossChoice::bce;
  if (!is_classification() && !independent) {
    info_.normaliser.restore_targets(outputs);
    return outputs;
  }
  const Tensor logits =
      from_values(outputs, {rows, info_.outputs}, {DType::float64, {}});
  return (independent ? sigmoid(logits) : softmax(logits)).to_vector();
}

}  // namespace sigtape
