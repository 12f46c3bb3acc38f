// A unit compiled with the flags of one instruction set may export nothing
// that another unit exports under the same name: of two inline functions the
// linker keeps one, perhaps the one an older processor cannot run.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

#include "support/command.h"
#include "support/source_tree.h"

namespace sigtape::test {
namespace {

namespace fs = std::filesystem;

struct Unit {
  std::string object;
  std::string isa;
};

// Names of the sources that are compiled once per instruction set.
std::set<std::string> sources() {
  std::set<std::string> names;
  for (const std::string& file : source_files({"_simd.cpp"})) {
    if (top_folder(file) != "tests") names.insert(fs::path(file).filename());
  }
  return names;
}

// Their objects; one whose source is gone is no part of the build.
std::vector<Unit> units() {
  static const std::regex object(
      R"(_(scalar|avx2|avx512|neon)\.dir/.*?(\w+_simd\.cpp)\.o$)");
  const std::set<std::string> known = sources();
  std::vector<Unit> found;
  for (const char* folder : {"framework", "layers", "training"}) {
    const fs::path root = fs::path(SIGTAPE_BINARY_DIR) / folder / "CMakeFiles";
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      std::smatch match;
      const std::string path = entry.path().string();
      if (std::regex_search(path, match, object) && known.contains(match[2])) {
        found.push_back({path, match[1]});
      }
    }
  }
  return found;
}

TEST(IsaUnits, AreBuiltForEveryInstructionSet) {
  std::set<std::string> sets;
  const std::vector<Unit> found = units();
  for (const Unit& unit : found) sets.insert(unit.isa);
  EXPECT_EQ(found.size(), sources().size() * sets.size());
  EXPECT_EQ(sets.empty(), sources().empty());
}

TEST(IsaUnits, ExportOnlyNamesOfTheirOwnNamespace) {
  // "0000000000000000 W sigtape::avx2::f(int)": upper case is visible to the
  // linker, and so are the weak v, w and the unique u.
  static const std::regex symbol(R"(^[0-9a-f]+ ([A-Zuvw]) (.*)$)");
  for (const Unit& unit : units()) {
    const CommandResult nm =
        run_command("nm -C --defined-only '" + unit.object + "'");
    ASSERT_EQ(nm.code, 0) << nm.text;
    std::istringstream lines(nm.text);
    for (std::string line; std::getline(lines, line);) {
      std::smatch match;
      if (!std::regex_match(line, match, symbol)) continue;
      const std::string name = match[2];
      if (name.starts_with("DW.ref.")) continue;
      EXPECT_NE(name.find("::" + unit.isa + "::"), std::string::npos)
          << unit.object << " exports " << name;
    }
  }
}

}  // namespace
}  // namespace sigtape::test
