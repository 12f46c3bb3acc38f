#include "support/source_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "support/source_dir.h"

namespace sigtape::test {

namespace fs = std::filesystem;

namespace {

bool is_skipped_folder(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.front() == '.' || name == "build" || name == "runs" ||
         name == "__pycache__";
}

bool has_ending(const std::string& path,
                const std::vector<std::string>& endings) {
  return std::any_of(
      endings.begin(), endings.end(),
      [&](const std::string& ending) { return path.ends_with(ending); });
}

}  // namespace

std::vector<std::string> source_files(const std::vector<std::string>& endings) {
  const fs::path root(source_path(""));
  std::vector<std::string> files;
  for (fs::recursive_directory_iterator entry(root), end; entry != end;
       ++entry) {
    if (entry->is_directory() && is_skipped_folder(entry->path())) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file()) {
      const std::string path = entry->path().lexically_relative(root).string();
      if (has_ending(path, endings)) files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> source_lines(const std::string& path) {
  std::ifstream file(source_path(path));
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::string top_folder(const std::string& path) {
  const std::size_t slash = path.find('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace sigtape::test
