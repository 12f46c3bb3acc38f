#include "support/run_files.h"

#include <sstream>

#include "support/sigtrain.h"

namespace sigtape::test {

std::vector<std::vector<std::string>> metrics_rows(
    const std::filesystem::path& path) {
  std::istringstream lines(file_text(path));
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(lines, line);) {
    std::vector<std::string> cells(1);
    for (const char c : line) {
      if (c == ',') {
        cells.emplace_back();
      } else {
        cells.back() += c;
      }
    }
    rows.push_back(cells);
  }
  return rows;
}

std::string metrics_without_seconds(const std::filesystem::path& path) {
  std::string text;
  for (const auto& row : metrics_rows(path)) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) text += row[i] + ",";
    text += "\n";
  }
  return text;
}

std::int64_t last_step(const std::filesystem::path& path) {
  const std::string text = file_text(path);
  const std::size_t end = text.rfind('\n');
  if (end == std::string::npos || end == 0) return 0;
  const std::size_t before = text.rfind('\n', end - 1);
  if (before == std::string::npos) return 0;
  return std::stoll(text.substr(before + 1));
}

}  // namespace sigtape::test
