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
                  std::int64_t data_bytes) {
  const MemoryPlan plan =
      plan_memory(config, info.input, info.outputs, data_bytes);
  fmt::print(
      "memory: weights {}, gradients {}, optimiser {}, data {}, activations "
      "of a batch of {} about {}\n",
      byte_text(plan.weights), byte_text(plan.gradients),
      byte_text(plan.optimizer), byte_text(plan.data), config.train.batch_size,
      byte_text(plan.activations));
}

}  // namespace

ExitCode inspect_command(const InspectCommand& command) {
  if (std::filesystem::is_directory(command.target)) {
    require(command.overrides.empty(),
            "--set changes configurations; a run has its own");
    TrainedModel trained(command.target);
    fmt::print("{}", layer_table(trained.model()));
    print_memory(trained.config(), trained.info(), 0);
    return ExitCode::ok;
  }
  const Config config = load_config(command.target, command.overrides);
  Fit fit(config, load_training_data(config));
  fmt::print("{}", layer_table(fit.model()));
  print_memory(config, fit.info(), fit.training_source().bytes());
  return ExitCode::ok;
}

}  // namespace sigtape
