#include "sigtape/training/run/environment.h"

#include <gtest/gtest.h>

#include "sigtape/framework/version.h"

namespace sigtape {
namespace {

TEST(Environment, NamesEverythingThatBitsMayDependOn) {
  const JsonRecord got = describe_environment({"avx2", "cpu", 3});
  EXPECT_EQ(got.get_string("sigtape"), version());
  EXPECT_EQ(got.get_string("isa"), "avx2");
  EXPECT_EQ(got.get_string("device"), "cpu");
  EXPECT_EQ(got.get_int("threads"), 3);
  for (const char* name : {"commit", "compiler", "cpu", "os"})
    EXPECT_FALSE(got.get_string(name).empty()) << name;
  EXPECT_GT(got.get_uint("memory_bytes"), 0u);
  for (const char* name : {"yaml-cpp", "zlib"})
    EXPECT_FALSE(got.get_record("libraries").get_string(name).empty()) << name;
}

TEST(Environment, FindsTheProcessorsName) {
  EXPECT_EQ(cpu_model_in("processor\t: 0\nmodel\t\t: 85\n"
                         "model name\t: Intel(R) Xeon(R)\n"),
            "Intel(R) Xeon(R)");
  EXPECT_EQ(cpu_model_in("processor: 0\nModel\t: Raspberry Pi 4\n"),
            "Raspberry Pi 4");
  EXPECT_EQ(cpu_model_in(""), "");
  EXPECT_FALSE(cpu_model().empty());
}

}  // namespace
}  // namespace sigtape
