// Every operation of framework/ops.h, a line that starts "Tensor name(", has
// its battery of tests, a call battery("name", ...) in a test, and one of its
// second derivatives, second_battery("name", ...) or another x_battery in a
// file second_derivatives_test.cpp.
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

std::vector<std::string> tests_named(const std::string& ending) {
  std::vector<std::string> tests;
  for (const std::string& file : source_files({ending})) {
    if (top_folder(file) == "tests") tests.push_back(file);
  }
  return tests;
}

const std::regex kOperation(R"((?:^|\n)Tensor (\w+)\()");

void expect_covered(const std::set<std::string>& operations,
                    const std::set<std::string>& covered, const char* what) {
  for (const std::string& operation : operations) {
    EXPECT_TRUE(covered.contains(operation)) << operation << " has no " << what;
  }
}

TEST(Battery, CoversEveryOperation) {
  const auto operations = names_in({"framework/ops.h"}, kOperation);
  EXPECT_GE(operations.size(), 40u);
  expect_covered(operations,
                 names_in(tests_named("_test.cpp"),
                          std::regex(R"re(\bbattery\(\s*"(\w+)")re")),
                 "battery");
}

// Batteries of second derivatives, and of refusals of them.
std::set<std::string> twice_differentiated() {
  return names_in(tests_named("second_derivatives_test.cpp"),
                  std::regex(R"re(\w_battery\(\s*"(\w+)")re"));
}

TEST(Battery, CoversEverySecondDerivative) {
  expect_covered(names_in({"framework/ops.h"}, kOperation),
                 twice_differentiated(), "battery of second derivatives");
}

// The same of every function of tensors in a header of layers, but those of
// integers or of nothing that wants a gradient.
TEST(Battery, CoversEverySecondDerivativeOfLayers) {
  std::vector<std::string> headers;
  for (const std::string& file : source_files({".h"}))
    if (top_folder(file) == "layers") headers.push_back(file);
  std::set<std::string> operations = names_in(headers, kOperation);
  EXPECT_GE(operations.size(), 20u);
  for (const char* constant :
       {"true_points", "time_channel", "window_counts", "shifted_lengths"})
    EXPECT_EQ(operations.erase(constant), 1u) << constant;
  // Functions that make up the public ones.
  for (const char* part :
       {"equally_long", "increment_logsignature", "tensor_series",
        "record_signature_gradient", "repeat_last_window",
        "signature_path_gradient", "signature_products"})
    EXPECT_EQ(operations.erase(part), 1u) << part;
  expect_covered(operations, twice_differentiated(),
                 "battery of second derivatives");
}

}  // namespace
}  // namespace sigtape::test
