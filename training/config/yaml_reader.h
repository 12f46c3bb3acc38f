#pragma once

#include <string>

#include "sigtape/training/config/node.h"
#include "sigtape/training/config/problems.h"

namespace sigtape::config {

/// Parses a YAML text into a tree; nothing written is a null node. Faults go
/// to `problems`: what check_text refuses, what the parser refuses, and keys
/// that stand twice in a map (the first one is kept). `source` as in Place.
Node read_yaml(const std::string& text, int source, Problems& problems);

}  // namespace sigtape::config
