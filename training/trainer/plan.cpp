#include "sigtape/training/trainer/plan.h"

#include <algorithm>

namespace sigtape {

namespace {

double elements(const ValueShape& shape) {
  return static_cast<double>(shape.channels) *
         static_cast<double>(std::max<std::int64_t>(shape.length, 1));
}

// Numbers that an optimiser keeps for each weight.
double state_numbers(const OptimizerConfig& config) {
  const auto* c = std::get_if<SgdConfig>(&config);
  if (!c) return 2;
  return c->momentum != 0 ? 1 : 0;
}

}  // namespace

MemoryPlan plan_memory(const Sequential& model, const Config& config,
                       std::int64_t data_bytes) {
  const double size = config.dtype == DtypeChoice::float64 ? 8 : 4;
  MemoryPlan plan;
  plan.weights = size * static_cast<double>(model.parameter_count());
  plan.gradients = plan.weights;
  plan.optimizer = plan.weights * state_numbers(config.train.optimizer);
  plan.data = static_cast<double>(data_bytes);
  double activations = elements(model.input_shape());
  for (std::int64_t i = 0; i < model.size(); ++i) {
    activations += 2 * elements(model.layer(i)->output_shape());
  }
  plan.activations =
      size * activations * static_cast<double>(config.train.batch_size);
  return plan;
}

}  // namespace sigtape
