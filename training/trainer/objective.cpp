#include "sigtape/training/trainer/objective.h"

#include <cmath>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

constexpr const char* loss_names[] = {"auto",  "cross_entropy", "mse",    "mae",
                                      "huber", "bce",           "log_mse"};

LossChoice chosen(const TrainConfig& config, const Dataset& data) {
  require<DataError>(data.target != TargetKind::none, data.source,
                     ": the data has no targets to train for");
  const bool classes = data.target == TargetKind::classes;
  if (config.loss == LossChoice::automatic) {
    return classes ? LossChoice::cross_entropy : LossChoice::mse;
  }
  const bool for_classes = config.loss == LossChoice::cross_entropy;
  require(config.loss == LossChoice::bce || for_classes == classes,
          "train.loss: ", loss_names[static_cast<int>(config.loss)],
          " does not fit the targets of ", data.source, ", which are ",
          classes ? "classes; use cross_entropy or bce"
                  : "numbers; use mse, mae, huber, log_mse or bce");
  return config.loss;
}

// balanced: cases / (classes * cases of the class), as in scikit-learn.
Tensor weights_of(const ClassWeightsConfig& config, const Dataset& data,
                  TensorOptions options) {
  if (config.kind == ClassWeightsConfig::Kind::none) return {};
  const auto classes = static_cast<std::int64_t>(data.class_names.size());
  require(classes > 0, "train.class_weights: the targets of ", data.source,
          " are numbers, not classes");
  std::vector<double> weights = config.values;
  if (config.kind == ClassWeightsConfig::Kind::balanced) {
    for (const std::int64_t count : data.class_counts()) {
      weights.push_back(count == 0 ? 0
                                   : static_cast<double>(data.cases) /
                                         static_cast<double>(classes * count));
    }
  }
  require(static_cast<std::int64_t>(weights.size()) == classes,
          "train.class_weights: expected ", classes,
          " weights, one per class, "
          "got ",
          weights.size());
  return from_values(weights, {classes}, options);
}

}  // namespace

Objective::Objective(const TrainConfig& config, const Dataset& training,
                     TensorOptions options)
    : kind_(chosen(config, training)),
      label_smoothing_(config.label_smoothing),
      class_weights_(weights_of(config.class_weights, training, options)) {
  const bool labelled = training.target == TargetKind::classes;
  classes_ =
      labelled ? static_cast<std::int64_t>(training.class_names.size()) : 0;
  outputs_ = labelled ? classes_ : training.outputs;
  form_ = kind_ == LossChoice::cross_entropy ? TargetForm::labels
          : labelled                         ? TargetForm::one_hot
                                             : TargetForm::numbers;
  require(kind_ == LossChoice::cross_entropy ||
              (!class_weights_.defined() && label_smoothing_ == 0),
          "train: class_weights and label_smoothing belong to the loss "
          "cross_entropy");
  require_targets(training);
}

void Objective::require_targets(const Dataset& dataset) const {
  if (kind_ != LossChoice::bce) return;
  for (std::size_t i = 0; i < dataset.numbers.size(); ++i) {
    const double y = dataset.numbers[i];
    require<DataError>(y >= 0 && y <= 1, dataset.source, ": case ",
                       static_cast<std::int64_t>(i) / dataset.outputs + 1,
                       ": the loss bce needs targets from 0 to 1, found ", y);
  }
}

void Objective::to_numbers(std::span<double> outputs,
                           const Normaliser& normaliser) const {
  if (kind_ != LossChoice::bce) return normaliser.restore_targets(outputs);
  for (double& x : outputs) x = 1 / (1 + std::exp(-x));
}

bool Objective::standardises_targets() const {
  return kind_ == LossChoice::mse || kind_ == LossChoice::mae ||
         kind_ == LossChoice::huber || kind_ == LossChoice::log_mse;
}

std::vector<double> Objective::class_weights() const {
  if (!class_weights_.defined()) return {};
  return class_weights_.to_vector();
}

Tensor Objective::loss(const Tensor& output, const Tensor& targets) const {
  switch (kind_) {
    case LossChoice::mse:
      return mse_loss(output, targets);
    case LossChoice::mae:
      return mae_loss(output, targets);
    case LossChoice::huber:
      return huber_loss(output, targets);
    case LossChoice::log_mse:
      return log(mse_loss(output, targets));
    case LossChoice::bce:
      return binary_cross_entropy_with_logits(output, targets);
    case LossChoice::cross_entropy:
    case LossChoice::automatic:
      break;
  }
  return cross_entropy(output, targets, {class_weights_, label_smoothing_});
}

Tensor Objective::weight_there(const Tensor& targets) const {
  if (!class_weights_.defined()) return {};
  const NoGrad no_grad;
  return sum(cast(gather(class_weights_, 0, targets), DType::float64));
}

double Objective::weight(const Tensor& targets) const {
  if (!class_weights_.defined()) return static_cast<double>(targets.size(0));
  if (!targets.device().is_cpu()) return weight_there(targets).item();
  const std::int64_t* labels = targets.data<std::int64_t>();
  double sum = 0;
  compute_floating("weight", class_weights_, [&]<class T>(auto, T) {
    const T* weights = class_weights_.data<T>();
    for (std::int64_t i = 0; i < targets.numel(); ++i) {
      sum += weights[labels[i]];
    }
  });
  return sum;
}

}  // namespace sigtape
