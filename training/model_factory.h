#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sigtape/layers/sequential.h"
#include "sigtape/training/config/config.h"
#include "sigtape/training/optim/optimizer.h"

namespace sigtape {

/// The layers of a configuration, not built yet. The last linear layer without
/// `out` gets `outputs`, the number of classes or targets. Throws UsageError,
/// naming the layer, where the settings contradict each other.
std::shared_ptr<Sequential> make_model(const ModelConfig& config,
                                       std::int64_t outputs);

/// The optimiser of a configuration for these parameters.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config,
                                          std::vector<NamedTensor> parameters);

}  // namespace sigtape
