// What the commands write and print, on a run of two epochs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "sigtape/training/data/npz.h"
#include "support/run_files.h"
#include "support/sigtrain.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

namespace fs = std::filesystem;

using nlohmann::json;
using test::file_text;
using test::run_sigtrain;
using test::write_text;

// One folder for all tests: runs of classes and of numbers.
class Commands : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    write_text(file("classes.yaml"), R"(
data:
  train: examples/data/BasicMotions_TRAIN.ts
  test: examples/data/BasicMotions_TEST.ts
  validation: 0.25
model: {type: signet2, depth: 2}
train: {epochs: 2, batch_size: 8, class_weights: balanced}
run_dir: )" + file("classes") + "\n");
    write_text(file("numbers.yaml"), R"(
data:
  train: examples/data/Covid3Month_TRAIN.ts
  test: examples/data/Covid3Month_TEST.ts
  validation: 0.25
model: {type: signet, depth: 2}
train: {epochs: 2, batch_size: 50, log_every: 2}
run_dir: )" + file("numbers") + "\n");
    for (const char* name : {"classes", "numbers"}) {
      const auto result =
          run_sigtrain({"train", file(std::string(name) + ".yaml")});
      ASSERT_EQ(result.code, 0) << result.err;
      output_[name] = result.out;
    }
  }
  static void TearDownTestSuite() { delete folder_; }

  static std::string file(const std::string& name) { return *folder_ / name; }
  // The one object that a command prints.
  static json printed(const std::vector<std::string>& arguments) {
    const auto result = run_sigtrain(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    return json::parse(result.out);
  }
  static std::set<std::string> keys(const json& object) {
    std::set<std::string> names;
    for (const auto& [name, value] : object.items()) names.insert(name);
    return names;
  }
  static void expect_finite(const json& object) {
    for (const auto& [name, value] : object.items()) {
      const bool number = value.is_number();
      EXPECT_TRUE(!number || std::isfinite(value.get<double>())) << name;
    }
  }
  static std::set<std::string> names_in(const std::string& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
      names.insert(entry.path().filename());
    }
    return names;
  }

  static inline TemporaryFolder* folder_ = nullptr;
  static inline std::map<std::string, std::string> output_;
};

using Names = std::set<std::string>;

TEST_F(Commands, TheRunFolderHoldsItsFilesAndNoMore) {
  EXPECT_EQ(names_in(file("classes")),
            (Names{"config.yaml", "env.json", "metrics.csv", "best.safetensors",
                   "last"}));
  EXPECT_EQ(names_in(file("classes/last")),
            (Names{"manifest.json", "model.safetensors",
                   "optimizer.safetensors", "state.json"}));
  const json environment = json::parse(file_text(file("classes/env.json")));
  EXPECT_EQ(keys(environment),
            (Names{"sigtape", "commit", "compiler", "libraries", "cpu", "isa",
                   "device", "threads", "memory_bytes", "os"}));
  EXPECT_EQ(environment["device"], "cpu");
}

TEST_F(Commands, MetricsHaveTheColumnsOfTheInterface) {
  const auto classes = test::metrics_rows(file("classes/metrics.csv"));
  EXPECT_EQ(classes[0],
            (std::vector<std::string>{"step", "epoch", "train_loss",
                                      "validation_loss", "validation_accuracy",
                                      "learning_rate", "seconds"}));
  // 30 cases in batches of 8, a row per epoch.
  ASSERT_EQ(classes.size(), 3u);
  EXPECT_EQ(classes[1][0] + " " + classes[1][1], "4 1");
  EXPECT_EQ(classes[2][0] + " " + classes[2][1], "8 2");
  for (const std::string& cell : classes[2]) EXPECT_NE(cell, "");

  const auto numbers = test::metrics_rows(file("numbers/metrics.csv"));
  EXPECT_EQ(numbers[0][4], "validation_rmse");
  // 105 cases in batches of 50: rows for the steps 2, 3, 4 and 6.
  std::vector<std::string> steps;
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    steps.push_back(numbers[i][0]);
    const bool last = numbers[i][0] == "3" || numbers[i][0] == "6";
    EXPECT_EQ(numbers[i][3] != "", last);
    EXPECT_EQ(numbers[i][4] != "", last);
  }
  EXPECT_EQ(steps, (std::vector<std::string>{"2", "3", "4", "6"}));
}

TEST_F(Commands, TrainSaysTheDeviceAndEndsWithTheTestMetrics) {
  EXPECT_NE(output_["classes"].find("CPU"), std::string::npos);
  EXPECT_NE(output_["classes"].find("test: accuracy "), std::string::npos);
  EXPECT_NE(output_["numbers"].find("test: rmse "), std::string::npos);
  EXPECT_EQ(output_["classes"].find('\r'), std::string::npos);
  EXPECT_EQ(output_["classes"].find('\x1b'), std::string::npos);
}

TEST_F(Commands, ASecondTrainingInTheFolderIsRefused) {
  const std::string before = file_text(file("classes/best.safetensors"));
  const auto result = run_sigtrain({"train", file("classes.yaml")});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("already holds a run"), std::string::npos);
  EXPECT_NE(result.err.find("--resume"), std::string::npos);
  EXPECT_EQ(file_text(file("classes/best.safetensors")), before);
}

TEST_F(Commands, ResumeRefusesAnotherConfiguration) {
  const std::string before = file_text(file("classes/config.yaml"));
  for (const char* set : {"train.batch_size=9",
                          "train.early_stopping."
                          "patience=3"}) {
    const auto result = run_sigtrain(
        {"train", file("classes.yaml"), "--resume", "auto", "--set", set});
    EXPECT_EQ(result.code, 2) << set;
    EXPECT_NE(result.err.find("another configuration"), std::string::npos);
  }
  EXPECT_EQ(file_text(file("classes/config.yaml")), before);
  const auto same = run_sigtrain(
      {"train", file("classes.yaml"), "--resume", file("classes")});
  EXPECT_EQ(same.code, 0) << same.err;
}

TEST_F(Commands, ResumeAutoStartsAfreshWhereNothingIs) {
  const auto result = run_sigtrain({"train", file("classes.yaml"), "--resume",
                                    "auto", "--run-dir", file("afresh")});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(file_text(file("afresh/best.safetensors")),
            file_text(file("classes/best.safetensors")));
}

TEST_F(Commands, BestWeightsDoNotDependOnFolderThreadsOrDevice) {
  const auto result =
      run_sigtrain({"train", file("classes/config.yaml"), "--run-dir",
                    file("again"), "--threads", "3", "--device", "cpu"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out.find("auto"), std::string::npos);
  EXPECT_EQ(file_text(file("again/best.safetensors")),
            file_text(file("classes/best.safetensors")));
}

TEST_F(Commands, DryRunAndPrintConfigWriteNothing) {
  const auto before = names_in(file(""));
  const auto dry = run_sigtrain(
      {"train", file("classes.yaml"), "--run-dir", file("dry"), "--dry-run"});
  EXPECT_EQ(dry.code, 0) << dry.err;
  EXPECT_NE(dry.out.find("30 training cases"), std::string::npos);
  const auto first = run_sigtrain({"train", file("classes.yaml"), "--run-dir",
                                   file("dry"), "--print-config"});
  EXPECT_EQ(first.code, 0);
  EXPECT_EQ(names_in(file("")), before);
  EXPECT_NE(first.out.find("augment"), std::string::npos);
  write_text(file("printed.yaml"), first.out);
  const auto second =
      run_sigtrain({"train", file("printed.yaml"), "--print-config"});
  EXPECT_EQ(second.out, first.out);
}

TEST_F(Commands, EvalOfClasses) {
  const json record = printed({"eval", file("classes"), "--json"});
  EXPECT_EQ(keys(record), (Names{"loss", "accuracy", "balanced_accuracy", "f1",
                                 "cases", "seconds"}));
  EXPECT_EQ(record["cases"], 40);
  expect_finite(record);
  const json train = printed({"eval", file("classes"), "--json", "--data",
                              "examples/data/BasicMotions_TRAIN.ts"});
  EXPECT_NE(train["loss"], record["loss"]);
  EXPECT_EQ(run_sigtrain({"eval", file("classes")}).code, 0);
}

TEST_F(Commands, EvalOfNumbers) {
  const json record = printed({"eval", file("numbers"), "--json"});
  EXPECT_EQ(keys(record),
            (Names{"loss", "rmse", "mae", "r2", "cases", "seconds"}));
  expect_finite(record);
}

// A file with fewer classes than training had, in another order.
TEST_F(Commands, EvalOfAFileWithFewerClasses) {
  std::istringstream lines(file_text("examples/data/BasicMotions_TEST.ts"));
  std::string text, line;
  while (std::getline(lines, line)) {
    if (line.starts_with("@classLabel"))
      line = "@classLabel true Walking Running";
    if (line.ends_with(":Standing") || line.ends_with(":Badminton")) continue;
    text += line + "\n";
  }
  write_text(file("few.ts"), text);
  const json few =
      printed({"eval", file("classes"), "--json", "--data", file("few.ts")});
  EXPECT_EQ(few["cases"], 20);
  expect_finite(few);
}

TEST_F(Commands, EvalRefusesOtherData) {
  const auto result = run_sigtrain(
      {"eval", file("classes"), "--data", "examples/data/Covid3Month_TEST.ts"});
  EXPECT_EQ(result.code, 3);
  EXPECT_NE(result.err.find("expected classes"), std::string::npos);
  const auto vowels = run_sigtrain({"eval", file("classes"), "--data",
                                    "examples/data/JapaneseVowels_TEST.ts"});
  EXPECT_EQ(vowels.code, 3);
}

TEST_F(Commands, EvalWithoutTestData) {
  write_text(file("untested.yaml"),
             "data: {train: {random: {cases: 8, length: 6, channels: 2}}}\n"
             "model: {type: signet, depth: 2}\ntrain: {epochs: 1}\nrun_dir: " +
                 file("untested") + "\n");
  ASSERT_EQ(run_sigtrain({"train", file("untested.yaml")}).code, 0);
  const auto result = run_sigtrain({"eval", file("untested")});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("give --data FILE"), std::string::npos);
}

// The rows of a .csv file, split at commas.
std::vector<std::vector<std::string>> table(const std::string& path) {
  return test::metrics_rows(path);
}

TEST_F(Commands, PredictProbabilities) {
  const auto result = run_sigtrain({"predict", file("classes"), "--data",
                                    "examples/data/BasicMotions_TEST.ts",
                                    "--output", file("p.csv")});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto rows = table(file("p.csv"));
  ASSERT_EQ(rows.size(), 41u);
  EXPECT_EQ(rows[0],
            (std::vector<std::string>{"case", "predicted", "Standing",
                                      "Running", "Walking", "Badminton"}));
  for (std::size_t i = 1; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i][0], std::to_string(i));
    double sum = 0;
    std::size_t best = 2;
    for (std::size_t c = 2; c < 6; ++c) {
      sum += std::stod(rows[i][c]);
      if (std::stod(rows[i][c]) > std::stod(rows[i][best])) best = c;
    }
    EXPECT_NEAR(sum, 1, 1e-12);
    EXPECT_EQ(rows[i][1], rows[0][best]);
  }
}

// The .ts file without its class column, and one without any targets.
TEST_F(Commands, PredictWithoutTargets) {
  std::istringstream lines(file_text("examples/data/BasicMotions_TEST.ts"));
  std::string text, line;
  bool data = false;
  while (std::getline(lines, line)) {
    if (line.starts_with("@classLabel")) line = "@classLabel false";
    if (data) line.resize(line.rfind(':'));
    data = data || line.starts_with("@data");
    text += line + "\n";
  }
  write_text(file("plain.ts"), text);
  for (const auto& [data_file, output] :
       {std::pair<std::string, const char*>{
            "examples/data/BasicMotions_TEST.ts", "with.csv"},
        {file("plain.ts"), "without.csv"}}) {
    const auto result = run_sigtrain({"predict", file("classes"), "--data",
                                      data_file, "--output", file(output)});
    ASSERT_EQ(result.code, 0) << result.err;
  }
  EXPECT_EQ(file_text(file("with.csv")), file_text(file("without.csv")));
  const auto eval =
      run_sigtrain({"eval", file("classes"), "--data", file("plain.ts")});
  EXPECT_EQ(eval.code, 3);
  EXPECT_NE(eval.err.find("found none"), std::string::npos);
}

// Predictions are in the units of the file: their errors are eval's.
TEST_F(Commands, PredictNumbers) {
  const std::string test = "examples/data/Covid3Month_TEST.ts";
  ASSERT_EQ(run_sigtrain({"predict", file("numbers"), "--data", test,
                          "--output", file("n.csv")})
                .code,
            0);
  const auto rows = table(file("n.csv"));
  EXPECT_EQ(rows[0], (std::vector<std::string>{"case", "predicted"}));
  std::istringstream lines(file_text(test));
  std::string line;
  double squares = 0;
  std::size_t i = 0;
  bool data = false;
  while (std::getline(lines, line)) {
    if (data && line.find(':') != std::string::npos) {
      const double y = std::stod(line.substr(line.rfind(':') + 1));
      const double e = std::stod(rows.at(++i).at(1)) - y;
      squares += e * e;
    }
    data = data || line.starts_with("@data");
  }
  const json record = printed({"eval", file("numbers"), "--json"});
  EXPECT_NEAR(record["rmse"].get<double>(),
              std::sqrt(squares / static_cast<double>(i)), 1e-12);
}

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
  const std::vector<std::string> arguments = {
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

TEST_F(Commands, InitTakesTheWeightsOfARun) {
  const auto result = run_sigtrain({"train", file("classes.yaml"), "--init",
                                    file("classes/best.safetensors"),
                                    "--run-dir", file("init")});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(file_text(file("init/best.safetensors")),
            file_text(file("classes/best.safetensors")));
}

TEST_F(Commands, AnAbsurdLearningRateStopsTheRunAndNamesTheStep) {
  const std::vector<std::string> absurd = {
      "train", file("numbers.yaml"), "--set",
      "train.optimizer={sgd: {lr: 1.0e+30}}", "--run-dir"};
  auto stop = absurd;
  stop.push_back(file("nan"));
  const auto result = run_sigtrain(stop);
  EXPECT_EQ(result.code, 4);
  EXPECT_NE(result.err.find("epoch 1, step "), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("--detect-anomaly"), std::string::npos);
  EXPECT_EQ(result.err.find("-nan"), std::string::npos);

  auto anomaly = absurd;
  anomaly.insert(anomaly.end(), {file("anomaly"), "--detect-anomaly"});
  const auto named = run_sigtrain(anomaly);
  EXPECT_EQ(named.code, 4);
  EXPECT_NE(named.err.find("epoch 1, step "), std::string::npos) << named.err;
  EXPECT_NE(named.err.find("operation '"), std::string::npos) << named.err;

  auto skip = absurd;
  skip.insert(skip.end(), {file("skip"), "--set", "train.on_nan=skip", "--set",
                           "train.epochs=9", "--set", "data.validation=null"});
  const auto skipped = run_sigtrain(skip);
  EXPECT_EQ(skipped.code, 4);
  EXPECT_NE(skipped.err.find("eleventh step in a row"), std::string::npos)
      << skipped.err;
}

TEST_F(Commands, MulticlassLossesTrainEvaluateAndPredict) {
  const auto trained = run_sigtrain(
      {"train", file("classes.yaml"), "--set", "train.loss=bce", "--set",
       "train.class_weights=none", "--run-dir", file("bce")});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_EQ(keys(printed({"eval", file("bce"), "--json"})).count("accuracy"),
            1u);
}

// bce for numbers: targets, predictions and metrics are probabilities.
TEST_F(Commands, BinaryTargetsAreProbabilities) {
  std::vector<double> x, y;
  for (int i = 0; i < 20; ++i) {
    for (int t = 0; t < 5; ++t) x.push_back((i % 2 ? 1 : -1) * t);
    y.push_back(i % 2);
    y.push_back(1 - i % 2);
  }
  write_npz(file("binary.npz"), {{"x", npy_array<double>({20, 5, 1}, x)},
                                 {"y", npy_array<double>({20, 2}, y)}});
  write_text(file("binary.yaml"),
             "data: {train: " + file("binary.npz") +
                 ", test: " + file("binary.npz") +
                 "}\nmodel: {type: signet, depth: 2}\ntrain: {epochs: 60, "
                 "loss: bce, optimizer: {adam: {lr: 0.1}}}\nrun_dir: " +
                 file("binary") + "\n");
  const auto trained = run_sigtrain({"train", file("binary.yaml")});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_LT(printed({"eval", file("binary"), "--json"})["rmse"], 0.2);
  ASSERT_EQ(run_sigtrain({"predict", file("binary"), "--data",
                          file("binary.npz"), "--output", file("b.csv")})
                .code,
            0);
  const auto rows = table(file("b.csv"));
  EXPECT_EQ(rows[0],
            (std::vector<std::string>{"case", "predicted_1", "predicted_2"}));
  EXPECT_LT(std::stod(rows[1][1]), 0.3);
  EXPECT_GT(std::stod(rows[1][2]), 0.7);
  EXPECT_GE(std::stod(rows[1][1]), 0);
  EXPECT_LE(std::stod(rows[1][2]), 1);
}

}  // namespace
}  // namespace sigtape
