#include "sigtape/framework/warning.h"

#include <gtest/gtest.h>

#include "support/allocations.h"
#include "support/warnings.h"

namespace sigtape::test {
namespace {

using Texts = std::vector<std::string>;

TEST(Warning, ReportsEachTextOnce) {
  const CollectWarnings warnings;
  for (const char* text : {"one", "two", "one", "one", "two"}) warn(text);
  EXPECT_EQ(warnings.texts(), (Texts{"one", "two"}));
  reset_warnings();
  warn("one");
  EXPECT_EQ(warnings.texts(), (Texts{"one", "two", "one"}));
}

TEST(Warning, RepeatedAllocatesNothing) {
  const CollectWarnings warnings;
  const char* text = "a text too long to stand in a string itself";
  warn(text);
  const std::int64_t before = allocations();
  warn(text);
  EXPECT_EQ(allocations(), before);
}

TEST(Warning, GoesToStandardErrorByDefault) {
  reset_warnings();
  const WarningCallback previous = set_warning_callback({});
  ::testing::internal::CaptureStderr();
  warn("mind the gap");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "sigtape: warning: mind the gap\n");
  set_warning_callback(previous);
}

}  // namespace
}  // namespace sigtape::test
