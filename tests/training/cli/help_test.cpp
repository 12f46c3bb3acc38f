#include <gtest/gtest.h>

#include "support/sigtrain.h"

namespace sigtape {
namespace {

using test::run_sigtrain;
using Words = std::vector<std::string>;

const std::vector<Words> commands = {{"train"},
                                     {"eval"},
                                     {"predict"},
                                     {"cv"},
                                     {"inspect"},
                                     {"check"},
                                     {"signature"},
                                     {"bench"},
                                     {"bench", "signature"},
                                     {"bench", "train"}};

TEST(Help, EveryCommandShowsAnExample) {
  for (Words words : commands) {
    std::string name = "sigtrain";
    for (const std::string& word : words) name += " " + word;
    for (const char* option : {"--help", "-h"}) {
      Words asking = words;
      asking.push_back(option);
      const auto result = run_sigtrain(asking);
      EXPECT_EQ(result.code, 0) << name;
      EXPECT_EQ(result.err, "") << name;
      EXPECT_NE(result.out.find("usage: " + name), std::string::npos);
      EXPECT_NE(result.out.find("example:\n  " + name + " "),
                std::string::npos);
    }
  }
}

TEST(Help, NamesEveryOptionOfTheInterface) {
  const std::vector<std::pair<Words, Words>> options = {
      {{"train"},
       {"--set", "--device", "--threads", "--run-dir", "--resume", "--init",
        "--dry-run", "--print-config", "--detect-anomaly"}},
      {{"eval"}, {"--data", "--json"}},
      {{"predict"}, {"--data", "--output"}},
      {{"cv"}, {"--folds", "--repeats", "--set"}},
      {{"signature"},
       {"--input",
        "--depth",
        "--stream",
        "--basepoint",
        "--inverse",
        "--scalar-term",
        "--logsignature",
        "--window",
        "--expanding",
        "--dyadic",
        "--words",
        "--time",
        "--lead-lag",
        "--output",
        "--from",
        "--channels",
        "--lengths",
        "--intervals",
        "--weights",
        "--bound",
        "--scale",
        "--cumulative-sum",
        "--invisibility-reset",
        "--combine",
        "--join",
        "--front",
        "--dilate",
        "--normalise",
        "--level",
        "--invert",
        "--cotangent",
        "--gradient"}},
      {{"bench", "signature"},
       {"--batch", "--length", "--channels", "--depth", "--stream",
        "--basepoint", "--logsignature", "--dtype", "--device", "--threads",
        "--runs", "--limit", "--memory", "--json"}},
      {{"bench", "train"}, {"--steps", "--threads", "--json"}}};
  for (const auto& [command, names] : options) {
    Words asking = command;
    asking.push_back("--help");
    const std::string text = run_sigtrain(asking).out;
    for (const std::string& name : names) {
      EXPECT_NE(text.find(name), std::string::npos) << command[0] << name;
    }
  }
}

TEST(Help, OfTheProgramListsEveryCommand) {
  for (const char* option : {"--help", "-h", "help"}) {
    const auto result = run_sigtrain({option});
    EXPECT_EQ(result.code, 0);
    for (const Words& words : commands) {
      EXPECT_NE(result.out.find("sigtrain " + words[0]), std::string::npos);
    }
  }
  EXPECT_EQ(run_sigtrain({"--version"}).out.rfind("sigtrain ", 0), 0u);
}

}  // namespace
}  // namespace sigtape
