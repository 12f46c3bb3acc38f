// Every configuration that ships is valid.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "sigtape/training/config/load.h"
#include "support/sigtrain.h"

namespace sigtape {
namespace {

std::vector<std::string> shipped() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator("configs")) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST(Configs, PassTheCheck) {
  std::vector<std::string> arguments = shipped();
  ASSERT_FALSE(arguments.empty());
  std::string expected;
  for (const std::string& path : arguments) expected += path + ": ok\n";
  arguments.insert(arguments.begin(), "check");
  const auto result = test::run_sigtrain(arguments);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, expected);
}

TEST(Configs, NameTheirRunFolderAfterThemselves) {
  for (const std::string& path : shipped()) {
    const Config config = load_config(path);
    EXPECT_EQ(config.run_dir,
              "runs/" + std::filesystem::path(path).stem().string())
        << path;
    EXPECT_TRUE(config.data.test.has_value()) << path;
  }
}

// Their data exist and fit their models.
TEST(Configs, PassADryRun) {
  for (const std::string& path : shipped()) {
    const auto result = test::run_sigtrain({"train", path, "--dry-run"});
    EXPECT_EQ(result.code, 0) << result.err;
  }
}

}  // namespace
}  // namespace sigtape
