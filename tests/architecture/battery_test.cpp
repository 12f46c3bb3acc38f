// Every operation of framework/ops.h, a line that starts "Tensor name(", has
// its battery of tests, a call battery("name", ...) in a test.
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "support/source_tree.h"

namespace sigtape::test {
namespace {

std::set<std::string> names_in(const std::vector<std::string>& files,
                               const std::regex& pattern) {
  std::set<std::string> names;
  for (const std::string& file : files) {
    std::string text;
    for (const std::string& line : source_lines(file)) text += line + "\n";
    std::sregex_iterator match(text.begin(), text.end(), pattern), end;
    for (; match != end; ++match) names.insert((*match)[1]);
  }
  return names;
}

TEST(Battery, CoversEveryOperation) {
  const std::set<std::string> operations =
      names_in({"framework/ops.h"}, std::regex(R"((?:^|\n)Tensor (\w+)\()"));
  std::vector<std::string> tests;
  for (const std::string& file : source_files({"_test.cpp"})) {
    if (top_folder(file) == "tests") tests.push_back(file);
  }
  const std::set<std::string> covered =
      names_in(tests, std::regex(R"re(battery\(\s*"(\w+)")re"));
  EXPECT_GE(operations.size(), 40u);
  for (const std::string& operation : operations) {
    EXPECT_TRUE(covered.contains(operation)) << operation << " has no battery";
  }
}

}  // namespace
}  // namespace sigtape::test
