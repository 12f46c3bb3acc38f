#pragma once

#include <cstdint>

#include "sigtape/layers/module.h"
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

/// The plan of the model of `config` for such inputs and so many outputs.
/// Nothing is built. Throws UsageError where a signature's number of channels
/// is not representable; shapes that do not fit are left to build.
MemoryPlan plan_memory(const Config& config, const ValueShape& input,
                       std::int64_t outputs, std::int64_t data_bytes);

/// "weights 1.2 KiB, gradients 1.2 KiB, optimiser 2.4 KiB, data 3.0 MiB and
/// activations 1.5 MiB".
std::string plan_text(const MemoryPlan& plan);

/// Throws MemoryError where the plan passes `limit` bytes: names its parts,
/// the limit, the largest depth of the signatures that would fit and the
/// largest batch.
void require_memory(const Config& config, const ValueShape& input,
                    std::int64_t outputs, std::int64_t data_bytes,
                    std::int64_t limit);

/// "1.4 MiB".
std::string byte_text(double bytes);

}  // namespace sigtape
