#pragma once

#include <cstdint>

#include "sigtape/layers/sequential.h"
#include "sigtape/training/config/config.h"

namespace sigtape {

/// Bytes that a training will need, from shapes alone.
struct MemoryPlan {
  double weights = 0;
  double gradients = 0;
  double optimizer = 0;
  double data = 0;
  /// Every layer's output and its gradient, for one batch.
  double activations = 0;
  double total() const {
    return weights + gradients + optimizer + data + activations;
  }
};

/// The plan of a built model.
MemoryPlan plan_memory(const Sequential& model, const Config& config,
                       std::int64_t data_bytes);

}  // namespace sigtape
