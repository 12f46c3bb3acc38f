#include <cstdio>
#include <filesystem>

#include "sigtape/framework/parallel.h"
#include "sigtape/framework/tape.h"
#include "sigtape/training/commands/commands.h"
#include "sigtape/training/commands/layer_table.h"
#include "sigtape/training/commands/resolve.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/trainer/fit.h"
#include "sigtape/training/trainer/run_training.h"

namespace sigtape {

namespace {

Config configured(const TrainCommand& command) {
  Config config = load_config(command.config, command.overrides);
  if (command.device) config.device = *command.device;
  if (command.run_dir) config.run_dir = *command.run_dir;
  if (command.resume && *command.resume != "auto") {
    require(!command.run_dir || *command.run_dir == *command.resume,
            "--resume and --run-dir name different folders; give one");
    require<FileError>(std::filesystem::is_directory(*command.resume),
                       *command.resume, ": no such folder to resume");
    config.run_dir = *command.resume;
  }
  return config;
}

// Everything up to the first step, and nothing written.
void dry_run(const Config& config) {
  Fit fit(config, load_training_data(config));
  if (config.data.test) {
    fit.evaluate_on(load_test_data(config, fit.info()));
  }
  std::printf(
      "%s\nthe configuration, its data and its model fit together: "
      "%lld training cases, %lld steps an epoch\n",
      layer_table(fit.model()).c_str(),
      static_cast<long long>(fit.training_source().cases()),
      static_cast<long long>(fit.trainer().batches_per_epoch()));
}

}  // namespace

ExitCode train_command(const TrainCommand& command) {
  const Config config = configured(command);
  if (command.print_config) {
    std::fputs(to_yaml(config).c_str(), stdout);
    return ExitCode::ok;
  }
  use_threads(command.threads);
  say_device(config, stdout);
  if (command.dry_run) {
    dry_run(config);
    return ExitCode::ok;
  }
  set_anomaly_detection(command.detect_anomaly);
  return run_training(config, {command.resume.has_value(), command.init},
                      stdout);
}

}  // namespace sigtape
