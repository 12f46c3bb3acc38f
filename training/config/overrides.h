#pragma once

#include <string>

#include "sigtape/training/config/node.h"
#include "sigtape/training/config/problems.h"

namespace sigtape::config {

/// Writes the value of "a.b=value" into the tree; the override has number
/// `source`, as in Place. Missing maps are made. A number steps into a list.
/// Where one of several named maps stands (a layer, an optimizer), the path may
/// leave its name out, or name another one in its place.
void apply_override(Node& root, const std::string& text, int source,
                    Problems& problems);

}  // namespace sigtape::config
