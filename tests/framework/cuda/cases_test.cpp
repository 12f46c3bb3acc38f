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

// The public functions of a header that make a `type`.
void add_functions(const std::string& header, const std::string& type,
                   std::set<std::string>& names) {
  const std::string start = type + " ";
  for (const std::string& line : source_lines(header)) {
    const std::size_t end = line.find('(');
    if (line.starts_with(start) && end != std::string::npos)
      names.insert(line.substr(start.size(), end - start.size()));
  }
}

// Steps of others, which run them, and what counts points on the way.
const std::set<std::string> inner = {
    "equally_long",       "increment_logsignature", "record_signature_gradient",
    "repeat_last_window", "shifted_lengths",        "signature_path_gradient",
    "signature_products", "tensor_series",          "true_points",
    "window_counts"};

// Every operation of the framework and of the layers.
std::set<std::string> operations() {
  namespace fs = std::filesystem;
  std::set<std::string> names;
  add_functions("framework/ops.h", "Tensor", names);
  for (const std::string folder : {"layers", "layers/signature"}) {
    for (const auto& file :
         fs::directory_iterator(fs::path(SIGTAPE_SOURCE_DIR) / folder)) {
      const std::string name = file.path().filename();
      if (!name.ends_with(".h") || name.ends_with("_kernels.h") ||
          name.ends_with("_simd.h") || name.ends_with("_cuda.h"))
        continue;
      add_functions(folder + "/" + name, "Tensor", names);
      add_functions(folder + "/" + name, "Value", names);
    }
  }
  for (const std::string& name : inner) EXPECT_EQ(names.erase(name), 1u);
  return names;
}

TEST(CudaCases, AreEnoughForEveryOperation) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "there is no CUDA device";
  const auto cases = noted_cases();
  std::size_t count = 0;
  for (const auto& [operation, lines] : cases) count += lines.size();
  std::cout << count << " cases of " << cases.size() << " operations\n";
  RecordProperty("cases", static_cast<int>(count));
  EXPECT_GE(count, 500u);
  const std::set<std::string> names = operations();
  EXPECT_GT(names.size(), 80u);
  std::size_t least = count;
  for (const std::string& name : names) {
    const auto at = cases.find(name);
    const std::size_t own = at == cases.end() ? 0 : at->second.size();
    EXPECT_GE(own, 5u) << name;
    least = std::min(least, own);
  }
  std::cout << "at least " << least << " of each of the " << names.size()
            << " public ones\n";
}

}  // namespace
}  // namespace sigtape::test
