// What holds for every source file: its length, its layout, and that it names
// no place of one machine.
#include <gtest/gtest.h>

#include <regex>

#include "support/command.h"
#include "support/source_dir.h"
#include "support/source_tree.h"

namespace sigtape::test {
namespace {

const std::vector<std::string> code = {".h", ".cpp", ".cu"};

TEST(Sources, HaveAtMost600Lines) {
  for (const std::string& file : source_files(
           {".h", ".cpp", ".cu", ".cmake", "CMakeLists.txt", ".sh", ".py"})) {
    EXPECT_LE(source_lines(file).size(), 600u) << file;
  }
}

TEST(Sources, AreFormatted) {
  // Versions differ in details; Debian 12 has 14.
  const std::string version = run_command("clang-format --version").text;
  if (version.find("version 14.") == std::string::npos) {
    GTEST_SKIP() << "wants clang-format 14, got: " << version;
  }
  std::string command =
      "cd '" + source_path("") + "' && clang-format --dry-run";
  command += " -Werror";
  for (const std::string& file : source_files(code)) {
    command += " '" + file + "'";
  }
  const CommandResult output = run_command(command);
  EXPECT_EQ(output.code, 0) << output.text.substr(0, 4000);
}

// Operations compute nothing where there are shapes only: see compute.h.
TEST(Sources, OperationsKnowShapesOnly) {
  for (const std::string& file : source_files({".cpp"})) {
    const std::string folder = top_folder(file);
    if (folder != "framework" && folder != "layers") continue;
    int dispatched = 0, returned = 0;
    for (const std::string& line : source_lines(file)) {
      dispatched += line.find("  dispatch_") != std::string::npos;
      returned += line.find("shapes_only()") != std::string::npos;
    }
    EXPECT_LE(dispatched, returned) << file;
  }
}

TEST(Sources, NameNoMachinePath) {
  // Written apart, so that this file does not match itself.
  const std::regex anywhere(
      "(^|[^\\w.])/(wor"
      "k|hom"
      "e|roo"
      "t|User"
      "s)/");
  const std::regex temporary(
      "(^|[^\\w.])/tm"
      "p/");
  for (const std::string& file :
       source_files({".h", ".cpp", ".cu", ".cmake", ".in", "CMakeLists.txt",
                     ".sh", ".py", ".md", ".yaml", "Presets.json"})) {
    const bool is_test = top_folder(file) == "tests";
    const std::vector<std::string> lines = source_lines(file);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(lines[i], anywhere) ||
                   (!is_test && std::regex_search(lines[i], temporary)))
          << file << ":" << i + 1 << ": " << lines[i];
    }
  }
}

TEST(Sources, HeadersAreGuardedAndSpareTheNamespace) {
  static const std::regex using_namespace(R"(^\s*using namespace )");
  for (const std::string& file : source_files({".h"})) {
    bool guarded = false;
    for (const std::string& line : source_lines(file)) {
      guarded = guarded || line == "#pragma once";
      EXPECT_FALSE(std::regex_search(line, using_namespace)) << file;
    }
    EXPECT_TRUE(guarded) << file << " has no #pragma once";
  }
}

}  // namespace
}  // namespace sigtape::test
