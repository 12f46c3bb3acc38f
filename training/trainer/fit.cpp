#include "sigtape/training/trainer/fit.h"

#include <algorithm>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/cuda/runtime.h"
#include "sigtape/training/data/read_dataset.h"
#include "sigtape/training/data/split.h"
#include "sigtape/training/io/memory.h"
#include "sigtape/training/model_factory.h"
#include "sigtape/training/trainer/plan.h"

namespace sigtape {

namespace {

double learning_rate_of(const OptimizerConfig& config) {
  return std::visit([](const auto& c) { return c.lr; }, config);
}

ScheduleOptions schedule_of(const ScheduleConfig& config) {
  if (const auto* c = std::get_if<StepScheduleConfig>(&config)) {
    return StepSchedule{c->every, c->factor};
  }
  if (const auto* c = std::get_if<CosineScheduleConfig>(&config)) {
    return CosineSchedule{c->warmup, c->minimum};
  }
  if (const auto* c = std::get_if<PlateauScheduleConfig>(&config)) {
    return PlateauSchedule{c->factor, c->patience};
  }
  return ConstantSchedule{};
}

TrainerOptions trainer_options(const Config& config) {
  TrainerOptions options;
  options.seed = static_cast<std::uint64_t>(config.seed);
  options.epochs = config.train.epochs;
  options.batch_size = config.train.batch_size;
  options.shuffle = config.data.shuffle;
  options.clip = {config.train.clip.norm.value_or(0),
                  config.train.clip.value.value_or(0)};
  if (config.train.early_stopping) {
    options.patience = config.train.early_stopping->patience;
  }
  options.checkpoint_every = config.train.checkpoint_every;
  options.log_every = config.train.log_every;
  options.skip_non_finite = config.train.on_nan == NanChoice::skip;
  return options;
}

// The model, built with parameters drawn from the seed.
std::shared_ptr<Sequential> built_model(const Config& config,
                                        const ModelInfo& info,
                                        TensorOptions options) {
  manual_seed(static_cast<std::uint64_t>(config.seed));
  auto model = make_model(config.model, info.outputs);
  const ValueShape out = model->build(info.input, options);
  require(!out.is_stream() && out.channels == info.outputs,
          "model: expected an output of ", info.outputs,
          info.target == TargetKind::classes
              ? " features, one per class, got "
              : " features, one per target, got ",
          out);
  return model;
}

ModelInfo make_info(const Config& config, const Objective& objective,
                    const Dataset& train) {
  ModelInfo info;
  info.input = {train.max_length(), train.channels, !train.equal_lengths()};
  info.target = train.target;
  info.outputs = objective.outputs();
  info.class_names = train.class_names;
  info.class_weights = objective.class_weights();
  info.normaliser = fit_normaliser(train, config.data.normalise,
                                   objective.standardises_targets());
  return info;
}

// Bytes of the batches' source: the points and one target per output.
std::int64_t bytes_of(const Dataset& data, const ModelInfo& info,
                      TensorOptions options) {
  return static_cast<std::int64_t>(size_of(options.dtype)) *
         (data.points() * data.channels + data.cases * info.outputs);
}

}  // namespace

std::int64_t memory_limit_of(const Config& config) {
  const Device device = select_device(config.device);
  if (!device.is_cpu() && !config.limits.max_bytes) {
    return cuda::memory(device.index).free;
  }
  return config.limits.max_bytes.value_or(
      static_cast<std::int64_t>(default_memory_limit()));
}

TensorOptions tensor_options(const Config& config) {
  return {
      config.dtype == DtypeChoice::float64 ? DType::float64 : DType::float32,
      select_device(config.device)};
}

TrainingData split_training_data(const Config& config, Dataset train) {
  const double* fraction = std::get_if<double>(&config.data.validation);
  if (!fraction) return {std::move(train), {}};
  const Split split = split_validation(train, *fraction,
                                       static_cast<std::uint64_t>(config.seed));
  return {subset(train, split.train), subset(train, split.validation)};
}

TrainingData load_training_data(const Config& config) {
  const DataConfig& c = config.data;
  const auto seed = static_cast<std::uint64_t>(config.seed);
  TrainingData data =
      split_training_data(config, read_dataset(c.train, c, seed));
  if (const auto* source = std::get_if<DataSource>(&c.validation)) {
    data.validation = read_dataset(*source, c, seed + 1);
    align_classes(*data.validation, data.train.class_names);
  }
  return data;
}

Dataset load_test_data(const Config& config, const ModelInfo& info) {
  Dataset test = read_dataset(*config.data.test, config.data,
                              static_cast<std::uint64_t>(config.seed) + 2);
  align_classes(test, info.class_names);
  return test;
}

Fit::Fit(const Config& config, TrainingData data)
    : config_(config),
      options_(tensor_options(config)),
      objective_(config.train, data.train, options_) {
  set_memory_limit(config.limits.max_bytes.value_or(
      static_cast<std::int64_t>(default_memory_limit())));
  lengthen_streams(data.train, make_model(config.model, 1)->least_length(),
                   config.data.short_streams);
  info_ = make_info(config, objective_, data.train);
  make_plan(data.train, data.validation ? &*data.validation : nullptr);
  model_ = built_model(config, info_, options_);
  training_.emplace(source_of(std::move(data.train), residence_));
  if (data.validation) {
    require_evaluable(*data.validation);
    validation_.emplace(
        source_of(*data.validation, residence_of(*data.validation)));
    validation_data_ = std::move(data.validation);
  }
  make_trainer();
}

// Data that does not fit on a device beside all else stays in main memory:
// two batches of it are on the device then.
void Fit::make_plan(const Dataset& train, const Dataset* validation) {
  limit_ = memory_limit_of(config_);
  const bool cpu = options_.device.is_cpu();
  planned_ = PlannedData::of(train, cpu ? validation : nullptr);
  const std::int64_t two = 2 * std::min(config_.train.batch_size, train.cases);
  if (!cpu) plan_ = plan_memory(config_, info_, planned_);
  if (!has_room(0) && two * train.max_length() < train.points()) {
    residence_ = Residence::main_memory;
    planned_ = {two, two * train.max_length(), 0, 0};
  }
  plan_ = require_memory(config_, info_, planned_, limit_);
}

// Whether `more` bytes fit on a device beside what is planned.
bool Fit::has_room(std::int64_t more) const {
  return options_.device.is_cpu() || limit_ == 0 ||
         plan_.total() + static_cast<double>(more) <=
             static_cast<double>(limit_);
}

Residence Fit::residence_of(const Dataset& more) const {
  return residence_ == Residence::device &&
                 has_room(bytes_of(more, info_, options_))
             ? Residence::device
             : Residence::main_memory;
}

BatchSource Fit::source_of(Dataset dataset, Residence residence) const {
  return BatchSource(
      prepared(std::move(dataset), info_, *model_, config_.data.short_streams),
      objective_.target_form(), options_, residence);
}

void Fit::make_trainer() {
  const OptimizerConfig& optimizer = config_.train.optimizer;
  optimizer_ = make_optimizer(optimizer, model_->named_parameters());
  const Schedule schedule(schedule_of(config_.train.schedule),
                          learning_rate_of(optimizer), config_.train.epochs);
  std::function<Validation()> validation;
  if (validation_) validation = [this] { return validate(); };
  trainer_ = std::make_unique<Trainer>(*model_, *optimizer_, schedule,
                                       objective_, *training_, validation,
                                       trainer_options(config_));
}

Validation Fit::validate() {
  const Evaluation e =
      evaluate(*model_, *validation_, *validation_data_, objective_,
               info_.normaliser, config_.train.batch_size);
  return {e.loss, e.headline()};
}

void Fit::require_evaluable(const Dataset& dataset) const {
  require_targets(dataset, info_);
  objective_.require_targets(dataset);
  prepared(dataset, info_, *model_, config_.data.short_streams);
}

Evaluation Fit::evaluate_on(Dataset dataset) {
  require_targets(dataset, info_);
  align_classes(dataset, info_.class_names);
  return evaluate(*model_, source_of(dataset, residence_of(dataset)), dataset,
                  objective_, info_.normaliser, config_.train.batch_size);
}

}  // namespace sigtape
