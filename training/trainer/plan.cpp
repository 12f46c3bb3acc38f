#include "sigtape/training/trainer/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "sigtape/framework/random.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/tape.h"
#include "sigtape/training/model_factory.h"
#include "sigtape/training/trainer/batch_source.h"
#include "sigtape/training/trainer/fit.h"
#include "sigtape/training/trainer/objective.h"

namespace sigtape {

namespace {

// The loss for data like this, from one case of it.
Objective objective_of(const Config& config, const ModelInfo& info,
                       TensorOptions options) {
  Dataset one;
  one.source = "plan";
  one.target = info.target;
  one.class_names = info.class_names;
  one.cases = 1;
  if (info.target == TargetKind::classes) {
    one.labels = {0};
  } else {
    one.outputs = info.outputs;
    one.numbers.resize(static_cast<std::size_t>(info.outputs));
  }
  return Objective(config.train, one, options);
}

// A data set of shapes only, and the batches that are made of it.
class PlannedSource {
 public:
  PlannedSource(const ModelInfo& info, TargetForm form, TensorOptions options,
                std::int64_t cases, std::int64_t points)
      : input_(info.input),
        options_(options),
        points_(empty({points, info.input.channels}, options)),
        targets_(targets(cases, form, info.outputs)) {}

  // As BatchSource::gather, of streams of the largest length.
  Batch gather(std::int64_t count) const {
    const std::int64_t length = std::max<std::int64_t>(input_.length, 1);
    const Shape shape = {count, length, input_.channels};
    Batch batch;
    if (input_.unequal || !options_.device.is_cpu()) {
      batch.inputs.data = empty(shape, options_);
    } else {
      batch.inputs.data = select_blocks(
          points_, CacheVector<std::int64_t>(static_cast<std::size_t>(count)),
          shape);
    }
    if (input_.unequal) {
      batch.inputs.lengths =
          full({count}, static_cast<double>(length), {DType::int64, {}})
              .to(options_.device);
    }
    Shape rows = targets_.shape();
    rows[0] = count;
    batch.targets = zeros(rows, {targets_.dtype(), targets_.device()});
    return batch;
  }

  double bytes() const {
    return static_cast<double>(points_.impl()->storage->bytes() +
                               targets_.impl()->storage->bytes());
  }

 private:
  Tensor targets(std::int64_t cases, TargetForm form,
                 std::int64_t outputs) const {
    if (form != TargetForm::labels) return empty({cases, outputs}, options_);
    return zeros({cases}, {DType::int64, options_.device});
  }

  ValueShape input_;
  TensorOptions options_;
  Tensor points_, targets_;
};

double bytes_of(const std::vector<NamedTensor>& tensors) {
  double bytes = 0;
  for (const NamedTensor& t : tensors) {
    bytes += static_cast<double>(t.tensor.numel() * size_of(t.tensor.dtype()));
  }
  return bytes;
}

double gradient_bytes(const std::vector<NamedTensor>& parameters) {
  double bytes = 0;
  for (const NamedTensor& p : parameters) {
    if (p.tensor.grad().defined()) bytes += bytes_of({p});
  }
  return bytes;
}

// What a Trainer does with a batch.
void step(Module& model, Optimizer& optimizer, const Objective& objective,
          const Batch& batch, const TrainConfig& config) {
  {
    const Tensor loss =
        objective.loss(model.forward(batch.inputs).data, batch.targets);
    model.clear_gradients();
    loss.backward();
  }
  optimizer.step(1,
                 {config.clip.norm.value_or(0), config.clip.value.value_or(0)});
}

void evaluate(Module& model, const Objective& objective, const Batch& batch) {
  const NoGrad no_grad;
  model.eval();
  objective.loss(model.forward(batch.inputs).data, batch.targets);
}

void name_largest_layer(const ShapesOnly& shapes, MemoryPlan& plan) {
  for (const auto& [layer, bytes] : shapes.layers_at_peak()) {
    if (layer.empty() || static_cast<double>(bytes) <= plan.layer_bytes)
      continue;
    plan.layer = layer;
    plan.layer_bytes = static_cast<double>(bytes);
  }
}

// Random numbers drawn in a plan are none of the training's.
class KeptGenerator {
 public:
  KeptGenerator() : kept_(default_generator()) {}
  ~KeptGenerator() { default_generator() = kept_; }
  KeptGenerator(const KeptGenerator&) = delete;

 private:
  Generator kept_;
};

}  // namespace

PlannedData PlannedData::of(const Dataset& train, const Dataset* validation) {
  PlannedData data{train.cases, train.points(), 0, 0};
  if (validation) {
    data.validation_cases = validation->cases;
    data.validation_points = validation->points();
  }
  return data;
}

MemoryPlan plan_memory(const Config& config, const ModelInfo& info,
                       const PlannedData& data, std::int64_t limit) {
  const KeptGenerator generator;
  const TensorOptions options = tensor_options(config);
  const Objective objective = objective_of(config, info, options);
  const ShapesOnly shapes(limit);
  const auto batch_of = [&](std::int64_t cases) {
    return cases ? std::min(config.train.batch_size, cases)
                 : config.train.batch_size;
  };
  const auto model = make_model(config.model, info.outputs);
  const ValueShape out = model->build(info.input, options);
  if (out.is_stream() || out.channels != info.outputs) return {};
  // Without data one stream stands for all, and is not counted as data.
  const std::int64_t points =
      data.cases ? data.points : std::max<std::int64_t>(info.input.length, 1);
  const PlannedSource training(info, objective.target_form(), options,
                               data.cases, points);
  std::optional<PlannedSource> validation;
  if (data.validation_cases) {
    validation.emplace(info, objective.target_form(), options,
                       data.validation_cases, data.validation_points);
  }
  const auto optimizer =
      make_optimizer(config.train.optimizer, model->named_parameters());
  MemoryPlan plan;
  plan.weights = bytes_of(model->named_parameters());
  plan.optimizer = bytes_of(optimizer->state());
  if (data.cases) plan.data = training.bytes();
  if (validation) plan.data += validation->bytes();
  model->train();
  const std::int64_t batch = batch_of(data.cases);
  // An epoch's last batch: few paths may take more than many.
  const std::int64_t rest = data.cases % batch;
  for (const std::int64_t cases : {batch, batch, rest, batch}) {
    if (cases == 0) continue;
    step(*model, *optimizer, objective, training.gather(cases), config.train);
  }
  plan.gradients = gradient_bytes(model->named_parameters());
  if (validation) {
    evaluate(*model, objective,
             validation->gather(batch_of(data.validation_cases)));
  }
  plan.activations = static_cast<double>(shapes.peak_bytes()) - plan.total();
  name_largest_layer(shapes, plan);
  return plan;
}

std::string plan_text(const MemoryPlan& p) {
  return fmt::format(
      "weights {}, gradients {}, optimiser {}, data {} and activations {}",
      byte_text(p.weights), byte_text(p.gradients), byte_text(p.optimizer),
      byte_text(p.data), byte_text(p.activations));
}

std::string byte_text(double bytes) {
  const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  for (; bytes >= 1024 && unit < 4; ++unit) bytes /= 1024;
  return fmt::format("{:.{}f} {}", bytes, unit ? 1 : 0, units[unit]);
}

}  // namespace sigtape
