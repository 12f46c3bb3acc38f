#pragma once

#include "sigtape/training/config/config.h"
#include "sigtape/training/config/node.h"
#include "sigtape/training/config/problems.h"

namespace sigtape::config {

/// Checks what several keys say together and no data is needed for: loss and
/// its options, schedule and epochs, the chain of layers. `root` is the tree
/// that `config` was read from, for the places of faults.
void check_training(const Config& config, const Node& root, Problems& problems);
void check_data(const Config& config, const Node& root, Problems& problems);
void check_layers(const Config& config, const Node& root, Problems& problems);

}  // namespace sigtape::config
