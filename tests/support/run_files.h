#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sigtape::test {

/// A metrics.csv as rows of cells, the header first.
std::vector<std::vector<std::string>> metrics_rows(
    const std::filesystem::path& path);

/// The rows in one text without the column `seconds`, the only one that two
/// runs alike do not share.
std::string metrics_without_seconds(const std::filesystem::path& path);

/// The step of the last whole row; 0 without one.
std::int64_t last_step(const std::filesystem::path& path);

}  // namespace sigtape::test
