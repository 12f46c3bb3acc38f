// What inspect, cv, check and bench print.
#include <sstream>

#include "training/cli/trained_runs.h"

namespace sigtape {
namespace {

using nlohmann::json;
using test::run_sigtrain;
using test::write_text;

using Commands = TrainedRuns;

TEST_F(Commands, InspectARunAndAConfiguration) {
  for (const char* target : {"classes", "classes.yaml"}) {
    const auto result = run_sigtrain({"inspect", file(target)});
    ASSERT_EQ(result.code, 0) << result.err;
    for (const char* part :
         {"augment.convs.0.weight", "(8, 6, 4)", "linear.bias", "signature",
          "(100, 6)", "(97, 9)", "(90)", "memory:", "total"}) {
      EXPECT_NE(result.out.find(part), std::string::npos) << part;
    }
  }
  const auto set =
      run_sigtrain({"inspect", file("classes.yaml"), "--set", "model.depth=3"});
  EXPECT_NE(set.out.find("(819)"), std::string::npos) << set.out;
  EXPECT_EQ(run_sigtrain({"inspect", file("classes"), "--set", "seed=1"}).code,
            2);
}

TEST_F(Commands, CrossValidationPrintsARowPerSettingAndTheBest) {
  const auto result = run_sigtrain({"cv", file("classes.yaml"), "--folds", "2",
                                    "--set", "model.depth=1,2", "--set",
                                    "train.optimizer.adam.lr=0.01,1.0e+30"});
  ASSERT_EQ(result.code, 0) << result.err;
  int rows = 0, diverged = 0;
  std::istringstream lines(result.out);
  std::string line, yaml;
  bool after = false;
  while (std::getline(lines, line)) {
    if (after) yaml += line + "\n";
    if (!after && line.find("model.depth=") != std::string::npos &&
        !line.starts_with("best:")) {
      ++rows;
      diverged += line.find("diverged") != std::string::npos;
    }
    after = after || line.starts_with("best:");
  }
  EXPECT_EQ(rows, 4) << result.out;
  EXPECT_EQ(diverged, 2) << result.out;
  EXPECT_NE(result.out.find("best: model.depth="), std::string::npos);
  write_text(file("best.yaml"), yaml);
  EXPECT_EQ(run_sigtrain({"check", file("best.yaml")}).code, 0);
}

// The loss of the one row that `sigtrain cv` prints.
double cv_loss(const std::vector<std::string>& arguments) {
  const auto result = run_sigtrain(arguments);
  EXPECT_EQ(result.code, 0) << result.err;
  std::istringstream row(result.out.substr(result.out.find('\n')));
  double metric = 0, spread = 0, loss = -1;
  row >> metric >> spread >> loss;
  return loss;
}

TEST_F(Commands, RepeatedCrossValidationIsTheMeanOverTheNextSeeds) {
  const auto loss = [&](const char* seed, const char* repeats) {
    return cv_loss({"cv", file("classes.yaml"), "--folds", "2", "--set", seed,
                    "--repeats", repeats});
  };
  const double first = loss("seed=3", "1"), second = loss("seed=4", "1");
  EXPECT_NE(first, second);
  EXPECT_NEAR(loss("seed=3", "2"), (first + second) / 2, 1e-5 * first);
}

TEST_F(Commands, CheckReadsEveryFile) {
  write_text(file("wrong.yaml"), "sed: 1\n");
  const auto result =
      run_sigtrain({"check", file("wrong.yaml"), file("classes.yaml")});
  EXPECT_EQ(result.code, 2);
  EXPECT_EQ(result.out, file("classes.yaml") + ": ok\n");
}

TEST_F(Commands, BenchSignature) {
  std::vector<std::string> arguments = {
      "bench",     "signature",  "--batch", "4",       "--length",
      "20",        "--channels", "3",       "--depth", "3",
      "--threads", "1",          "--json"};
  const json record = printed(arguments);
  EXPECT_EQ(keys(record),
            (Names{"forward_seconds", "forward_backward_seconds",
                   "forward_gfma_per_second", "backward_gfma_per_second", "isa",
                   "threads", "device"}));
  EXPECT_EQ(record["threads"], 1);
  EXPECT_EQ(record["device"], "cpu");
  EXPECT_TRUE(Names({"scalar", "avx2", "avx512", "neon"}).count(record["isa"]));
  EXPECT_GT(record["forward_seconds"], 0);
  EXPECT_GE(record["forward_backward_seconds"], record["forward_seconds"]);
  expect_finite(record);
  arguments.insert(arguments.end(), {"--memory", "--runs", "12"});
  const json more = printed(arguments);
  EXPECT_EQ(more.size(), record.size() + 3);
  EXPECT_GE(more["runs"], 12);
  EXPECT_GE(more["forward_memory_bytes"], 0);
  EXPECT_GE(more["forward_backward_memory_bytes"],
            more["forward_memory_bytes"]);
}

TEST_F(Commands, BenchTrain) {
  const auto before = names_in(file(""));
  const json record = printed(
      {"bench", "train", file("classes.yaml"), "--steps", "5", "--json"});
  EXPECT_EQ(keys(record), (Names{"seconds_per_step", "median_seconds_per_step",
                                 "steps", "peak_memory_bytes", "parameters"}));
  EXPECT_EQ(record["steps"], 5);
  // Convolutions 200 + 72 + 18, linear 90 * 4 + 4.
  EXPECT_EQ(record["parameters"], 200 + 72 + 18 + 364);
  EXPECT_LE(record["seconds_per_step"], record["median_seconds_per_step"]);
  EXPECT_GE(record["peak_memory_bytes"], 0);
  EXPECT_EQ(names_in(file("")), before);
}

}  // namespace
}  // namespace sigtape
