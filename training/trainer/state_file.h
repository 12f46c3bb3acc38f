#pragma once

#include <string>

#include "sigtape/training/trainer/trainer.h"

namespace sigtape {

/// state.json of a checkpoint: the training state, the optimiser's number of
/// steps and the seconds that the training has taken so far.
struct StoredState {
  TrainingState training;
  std::int64_t optimizer_steps = 0;
  double seconds = 0;
};

std::string write_state(const StoredState& state);

/// Throws DataError naming `source` and key for anything else than
/// write_state has written.
StoredState read_state(std::string_view text, const std::string& source);

}  // namespace sigtape
