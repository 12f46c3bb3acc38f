// Enough cases of every operation ran on device "cuda": see
// support/cuda_battery.h. Runs after the programs that note them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "sigtape/framework/device.h"
#include "support/source_tree.h"

namespace sigtape::test {
namespace {

// Operation, case and type of each, by operation.
std::map<std::string, std::set<std::string>> noted_cases() {
  std::map<std::string, std::set<std::string>> cases;
  const std::string folder = std::string(SIGTAPE_BINARY_DIR) + "/cuda_cases";
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    std::ifstream lines(file.path());
    for (std::string line; std::getline(lines, line);) {
      if (!line.ends_with("no kernel")) {
        cases[line.substr(0, line.find('\t'))].insert(line);
      }
    }
  }
  return cases;
}

TEST(CudaCases, AreEnoughForEveryOperation) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  const auto cases = noted_cases();
  std::size_t count = 0;
  for (const auto& [operation, lines] : cases) count += lines.size();
  std::cout << count << " cases of " << cases.size() << " operations\n";
  RecordProperty("cases", static_cast<int>(count));
  EXPECT_GE(count, 500u);
  const std::string start = "Tensor ";
  for (const std::string& line : source_lines("framework/ops.h")) {
    const std::size_t end = line.find('(');
    if (!line.starts_with(start) || end == std::string::npos) continue;
    const std::string name = line.substr(start.size(), end - start.size());
    const auto at = cases.find(name);
    EXPECT_TRUE(at != cases.end() && at->second.size() >= 5) << name;
  }
}

}  // namespace
}  // namespace sigtape::test
