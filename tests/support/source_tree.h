#pragma once

#include <string>
#include <vector>

namespace sigtape::test {

/// Paths, relative to the source root and sorted, of the project's own files
/// that end in one of `endings` (".h", "CMakeLists.txt"). Builds, runs and
/// hidden folders are left out.
std::vector<std::string> source_files(const std::vector<std::string>& endings);

/// The lines of `path`, a path relative to the source root.
std::vector<std::string> source_lines(const std::string& path);

/// The folder of the source root that `path` lies in: "framework" of
/// "framework/ops/conv1d.cpp", "" of "README.md".
std::string top_folder(const std::string& path);

}  // namespace sigtape::test
