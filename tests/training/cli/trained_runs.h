#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "support/run_files.h"
#include "support/sigtrain.h"
#include "training/io/temporary_folder.h"

namespace sigtape {

using Names = std::set<std::string>;

/// One folder for all tests of a program, with two runs of two epochs:
/// `classes` on BasicMotions and `numbers` on Covid3Month, from NAME.yaml
/// beside them.
class TrainedRuns : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    test::write_text(file("classes.yaml"), R"(
data:
  train: examples/data/BasicMotions_TRAIN.ts
  test: examples/data/BasicMotions_TEST.ts
  validation: 0.25
model: {type: signet2, depth: 2}
train: {epochs: 2, batch_size: 8, class_weights: balanced}
run_dir: )" + file("classes") + "\n");
    test::write_text(file("numbers.yaml"), R"(
data:
  train: examples/data/Covid3Month_TRAIN.ts
  test: examples/data/Covid3Month_TEST.ts
  validation: 0.25
model: {type: signet, depth: 2}
train: {epochs: 2, batch_size: 50, log_every: 2}
run_dir: )" + file("numbers") + "\n");
    for (const char* name : {"classes", "numbers"}) {
      const auto result =
          test::run_sigtrain({"train", file(std::string(name) + ".yaml")});
      ASSERT_EQ(result.code, 0) << result.err;
      output_[name] = result.out;
    }
  }
  static void TearDownTestSuite() { delete folder_; }

  static std::string file(const std::string& name) { return *folder_ / name; }
  /// The one object that a command prints.
  static nlohmann::json printed(const std::vector<std::string>& arguments) {
    const auto result = test::run_sigtrain(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    return nlohmann::json::parse(result.out);
  }
  static std::set<std::string> keys(const nlohmann::json& object) {
    std::set<std::string> names;
    for (const auto& [name, value] : object.items()) names.insert(name);
    return names;
  }
  static void expect_finite(const nlohmann::json& object) {
    for (const auto& [name, value] : object.items()) {
      const bool number = value.is_number();
      EXPECT_TRUE(!number || std::isfinite(value.get<double>())) << name;
    }
  }
  static std::set<std::string> names_in(const std::string& folder) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      names.insert(entry.path().filename());
    }
    return names;
  }

  static inline TemporaryFolder* folder_ = nullptr;
  static inline std::map<std::string, std::string> output_;
};

}  // namespace sigtape
