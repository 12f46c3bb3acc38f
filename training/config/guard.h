#pragma once

#include <cstddef>
#include <string>

#include "sigtape/training/config/problems.h"

namespace sigtape::config {

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr int kMaxNesting = 32;

/// Checks a text before a YAML parser sees it: size, characters (UTF-8, no
/// control characters, no tabs), closed quotes, matching brackets, nesting, one
/// document, and none of the parts of YAML that a configuration does not need
/// (anchors, aliases, tags, directives, block texts, explicit keys). Returns
/// false where it has added a problem; `source` as in Place.
bool check_text(const std::string& text, int source, Problems& problems);

}  // namespace sigtape::config
