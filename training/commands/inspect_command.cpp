#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "sigtape/training/commands/commands.h"
#include "sigtape/training/commands/layer_table.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/trainer/fit.h"
#include "sigtape/training/trainer/plan.h"
#include "sigtape/training/trainer/trained_model.h"

namespace sigtape {

namespace {

void print_memory(const Config& config, const ModelInfo& info,
                  const PlannedData& data) {
  const MemoryPlan plan = plan_memory(config, info, data);
  fmt::print(
      "memory: weights {}, gradients {}, optimiser {}, data {}, activations "
      "of a batch of {} about {}; at most {} at once, most of it in {}\n",
      byte_text(plan.weights), byte_text(plan.gradients),
      byte_text(plan.optimizer), byte_text(plan.data), config.train.batch_size,
      byte_text(plan.activations), byte_text(plan.total()), plan.layer);
}

}  // namespace

ExitCode inspect_command(const InspectCommand& command) {
  if (std::filesystem::is_directory(command.target)) {
    require(command.overrides.empty(),
            "--set changes configurations; a run has its own");
    TrainedModel trained(command.target);
    fmt::print("{}", layer_table(trained.model()));
    print_memory(trained.config(), trained.info(), {});
    return ExitCode::ok;
  }
  const Config config = load_config(command.target, command.overrides);
  Fit fit(config, load_training_data(config));
  fmt::print("{}", layer_table(fit.model()));
  print_memory(config, fit.info(), fit.planned_data());
  return ExitCode::ok;
}

}  // namespace sigtape
