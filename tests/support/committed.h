#pragma once

#include <string>

namespace sigtape::test {

/// Fails unless the file `path` of the source tree holds `text`. With
/// SIGTAPE_UPDATE_DOCS=1 in the environment it is written instead.
void expect_committed(const std::string& path, const std::string& text);

}  // namespace sigtape::test
