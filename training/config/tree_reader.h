#pragma once

#include <set>
#include <string>

#include "sigtape/training/config/field.h"

namespace sigtape::config {

/// Fills `object`, which belongs to `section`, from a map, or from a null node:
/// then with defaults only. Faults go to `problems`; of a faulty map no check
/// is made and nothing handed upward. `faulty` receives the keys of the section
/// that are required and absent or hold a fault.
void read_section(const Section& section, const Node& node, void* object,
                  Problems& problems, std::set<std::string>* faulty = nullptr);

}  // namespace sigtape::config
