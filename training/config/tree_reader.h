#pragma once

#include "sigtape/training/config/field.h"

namespace sigtape::config {

/// Fills `object`, which belongs to `section`, from a map, or from a null node:
/// then with defaults only. Faults go to `problems`; of a faulty map no check
/// is made and nothing handed upward.
void read_section(const Section& section, const Node& node, void* object,
                  Problems& problems);

}  // namespace sigtape::config
