#pragma once

#include <string>

namespace sigtape::test {

/// `path` inside the source tree, absolute.
std::string source_path(const std::string& path);

}  // namespace sigtape::test
