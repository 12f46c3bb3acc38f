#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include "sigtape/training/config/config.h"
#include "sigtape/training/exit_code.h"

namespace sigtape {

/// What `sigtrain train` is asked for beside its configuration.
struct TrainRequest {
  /// Goes on with what the run folder holds, or starts afresh where nothing
  /// is saved.
  bool resume = false;
  /// A .npz or .safetensors file with the first weights.
  std::optional<std::string> init;
};

/// Trains `config` in its run folder (interface of the folder: run_folder.h),
/// shows progress on `out`, ends with the metrics of the best weights on the
/// test data where there is any. Returns ok, or interrupted or terminated when
/// a signal came and a checkpoint has been saved. The folder is made only
/// after configuration, data and model have passed every check.
ExitCode run_training(const Config& config, const TrainRequest& request,
                      std::FILE* out);

}  // namespace sigtape
