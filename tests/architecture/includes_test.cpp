// Who may include what: the folders' direction, and the one place of each
// third party.
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "support/source_tree.h"

namespace sigtape::test {
namespace {

struct Include {
  std::string file;
  std::size_t line;
  std::string path;
  bool quoted;
};

std::vector<Include> all_includes() {
  static const std::regex directive(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> includes;
  for (const std::string& file : source_files({".h", ".cpp", ".cu"})) {
    const std::vector<std::string> lines = source_lines(file);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(lines[i], match, directive)) continue;
      includes.push_back({file, i + 1, match[2], match[1] == "\""});
    }
  }
  return includes;
}

std::string where(const Include& include) {
  return include.file + ":" + std::to_string(include.line) + ": " +
         include.path;
}

// The folders whose headers each folder may include. Any other one (examples,
// tests, benchmarks) stands above all.
const std::map<std::string, std::set<std::string>> below = {
    {"framework", {"framework"}},
    {"layers", {"framework", "layers"}},
    {"training", {"framework", "layers", "training"}},
};

// A third party by the start of its headers' names, and the files that may
// include them outside tests and benchmarks.
struct ThirdParty {
  std::string name;
  std::regex header;
  std::regex files;
};

std::vector<ThirdParty> third_parties() {
  auto regex = [](const char* text) { return std::regex(text); };
  return {
      {"yaml-cpp", regex("^yaml-cpp/"), regex(R"(^training/config/\w+\.cpp$)")},
      {"Boost", regex("^boost/"),
       regex(R"(^(training/sigtrain_main|framework/cuda/host/fiber)\.cpp$)")},
      {"JSON", regex("^nlohmann/"), regex(R"(^training/.*\.cpp$)")},
      {"zlib", regex(R"(^zlib\.h$)"), regex(R"(^training/.*\.cpp$)")},
      {"oneDNN", regex("^(oneapi/|dnnl)"),
       regex(R"(^framework/ops/\w+_onednn\.cpp$)")},
      {"fmt", regex("^fmt/"),
       regex(R"(^(framework|layers|training)/.*\.cpp$)")},
      {"GoogleTest", regex("^(gtest|gmock)/"), regex("$^")},
      {"Google Benchmark", regex("^benchmark/"), regex("$^")},
  };
}

bool is_checked_for_third_parties(const std::string& file) {
  const std::string folder = top_folder(file);
  return folder != "tests" && folder != "benchmarks";
}

TEST(Includes, AreFound) { EXPECT_GT(all_includes().size(), 50u); }

TEST(Includes, NeverPointUpward) {
  for (const Include& include : all_includes()) {
    const auto allowed = below.find(top_folder(include.file));
    if (allowed == below.end()) continue;
    if (include.path == "sigtape/sigtape.h") ADD_FAILURE() << where(include);
    if (!include.path.starts_with("sigtape/")) continue;
    const std::string folder =
        top_folder(include.path.substr(std::string("sigtape/").size()));
    EXPECT_TRUE(allowed->second.contains(folder)) << where(include);
  }
}

TEST(Includes, NameOwnHeadersFromTheSourceRoot) {
  for (const Include& include : all_includes()) {
    if (!below.contains(top_folder(include.file)) || !include.quoted) continue;
    EXPECT_TRUE(include.path.starts_with("sigtape/") ||
                include.path == "sigtape_commit.h")
        << where(include);
  }
}

TEST(Includes, ThirdPartiesStayInTheirFiles) {
  const std::vector<ThirdParty> parties = third_parties();
  for (const Include& include : all_includes()) {
    if (!is_checked_for_third_parties(include.file)) continue;
    for (const ThirdParty& party : parties) {
      if (!std::regex_search(include.path, party.header)) continue;
      EXPECT_TRUE(std::regex_search(include.file, party.files))
          << where(include) << " is a header of " << party.name;
    }
  }
}

// An angled include in a public header is of the standard library, which has
// neither folders nor (with few exceptions) suffixes. Headers of sources that
// are compiled per instruction set, and those for kernel files, are not public.
TEST(Includes, PublicHeadersNeedTheStandardLibraryOnly) {
  for (const Include& include : all_includes()) {
    if (!include.file.ends_with(".h") || include.quoted) continue;
    if (include.file.ends_with("_simd.h")) continue;
    if (include.file == "framework/cuda/launch.h" ||
        include.file == "framework/cuda/call.h") {
      continue;
    }
    if (!below.contains(top_folder(include.file))) continue;
    if (include.path.starts_with("sigtape/")) continue;
    EXPECT_EQ(include.path.find_first_of("/."), std::string::npos)
        << where(include);
  }
}

// One file parses YAML, so that one file knows the parser's traps.
TEST(Includes, OneFileReadsYaml) {
  std::set<std::string> readers;
  for (const Include& include : all_includes()) {
    if (include.path.starts_with("yaml-cpp/") &&
        is_checked_for_third_parties(include.file)) {
      readers.insert(include.file);
    }
  }
  EXPECT_LE(readers.size(), 1u)
      << *readers.begin() << ", " << *readers.rbegin();
}

}  // namespace
}  // namespace sigtape::test
