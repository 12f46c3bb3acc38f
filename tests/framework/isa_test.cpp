#include "sigtape/framework/simd/isa.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "sigtape/framework/check.h"

namespace sigtape {
namespace {

TEST(Isa, NamesRoundTrip) {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (isa_supported(isa)) {
      EXPECT_EQ(parse_isa(isa_name(isa)), isa);
    } else {
      EXPECT_THROW(parse_isa(isa_name(isa)), UsageError);
      EXPECT_THROW(ScopedIsa{isa}, UsageError);
    }
  }
  EXPECT_TRUE(isa_supported(Isa::scalar));
}

TEST(Isa, UnknownNameListsTheAvailable) {
  try {
    parse_isa("avx9");
    FAIL();
  } catch (const UsageError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("avx9"), std::string::npos);
    EXPECT_NE(message.find(supported_isa_names()), std::string::npos);
  }
}

TEST(Isa, ScopedIsaForcesAndRestores) {
  const Isa before = active_isa();
  {
    const ScopedIsa forced(Isa::scalar);
    EXPECT_EQ(active_isa(), Isa::scalar);
  }
  EXPECT_EQ(active_isa(), before);
}

TEST(Isa, EnvironmentDecides) {
  const char* name = std::getenv("SIGTAPE_ISA");
  if (!name || !*name) GTEST_SKIP() << "SIGTAPE_ISA is not set";
  EXPECT_STREQ(isa_name(active_isa()), name);
}

TEST(IsaDeathTest, WrongEnvironmentThrowsEveryTime) {
  // A process of its own: the choice is made once.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("SIGTAPE_ISA", "sse9", 1);
        int thrown = 0;
        for (int k = 0; k < 2; ++k) {
          try {
            active_isa();
          } catch (const UsageError&) {
            ++thrown;
          }
        }
        std::exit(thrown);
      },
      testing::ExitedWithCode(2), "");
}

}  // namespace
}  // namespace sigtape
