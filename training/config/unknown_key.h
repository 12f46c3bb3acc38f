#pragma once

#include <string>
#include <vector>

#include "sigtape/training/config/field.h"

namespace sigtape::config {

/// The end of a message about a key that `section` does not have: the nearest
/// key that it has and `node` does not hold yet, or the place where the key
/// belongs. `meant` receives the key of the section that is suggested.
std::string advice(const Section& section, const Node& node,
                   const std::string& key, std::string* meant);

/// The same for a name that is none of the field's tags.
std::string tag_advice(const Field& field, const std::string& tag);

}  // namespace sigtape::config
