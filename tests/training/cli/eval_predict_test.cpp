// Metrics and predictions of trained runs.
#include <cmath>
#include <sstream>

#include "sigtape/training/data/npz.h"
#include "training/cli/trained_runs.h"

namespace sigtape {
namespace {

using nlohmann::json;
using test::file_text;
using test::run_sigtrain;
using test::write_text;

using EvalPredict = TrainedRuns;

TEST_F(EvalPredict, EvalOfClasses) {
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

TEST_F(EvalPredict, EvalOfNumbers) {
  const json record = printed({"eval", file("numbers"), "--json"});
  EXPECT_EQ(keys(record),
            (Names{"loss", "rmse", "mae", "r2", "cases", "seconds"}));
  expect_finite(record);
}

// A file with fewer classes than training had, in another order.
TEST_F(EvalPredict, EvalOfAFileWithFewerClasses) {
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

TEST_F(EvalPredict, EvalRefusesOtherData) {
  const auto result = run_sigtrain(
      {"eval", file("classes"), "--data", "examples/data/Covid3Month_TEST.ts"});
  EXPECT_EQ(result.code, 3);
  EXPECT_NE(result.err.find("expected classes"), std::string::npos);
  const auto vowels = run_sigtrain({"eval", file("classes"), "--data",
                                    "examples/data/JapaneseVowels_TEST.ts"});
  EXPECT_EQ(vowels.code, 3);
}

TEST_F(EvalPredict, TimeStampsAsAChannel) {
  std::string text = "case,time,x,target\n", late = text;
  for (int i = 0; i < 6; ++i) {
    for (int t = 0; t < 4; ++t) {
      const std::string rest = "," + std::to_string(i * t) + ",1\n";
      const int time = (i + 1) * t;
      text += std::to_string(i) + "," + std::to_string(time) + rest;
      late += std::to_string(i) + "," + std::to_string(time + 1000) + rest;
    }
  }
  write_text(file("timed.csv"), text);
  write_text(file("late.csv"), late);
  write_text(file("timed.yaml"),
             "data: {train: " + file("timed.csv") +
                 ", time_stamps: channel}\n" +
                 "model: {layers: [signature: {depth: 2}, linear]}\n"
                 "train: {epochs: 1}\nrun_dir: " +
                 file("timed") + "\n");
  const auto trained = run_sigtrain({"train", file("timed.yaml")});
  ASSERT_EQ(trained.code, 0) << trained.err;
  // Two channels: six columns of the signature of depth 2.
  EXPECT_NE(run_sigtrain({"inspect", file("timed")}).out.find("(6)"),
            std::string::npos);
  const auto evaluate = [](const std::string& data) {
    json record = printed({"eval", file("timed"), "--json", "--data", data});
    return record["loss"];
  };
  EXPECT_EQ(evaluate(file("timed.csv")), evaluate(file("late.csv")));
  const auto result = run_sigtrain(
      {"eval", file("timed"), "--data", "examples/data/Covid3Month_TEST.ts"});
  EXPECT_EQ(result.code, 3);
  EXPECT_NE(result.err.find("Covid3Month_TEST.ts: expected time stamps"),
            std::string::npos)
      << result.err;
}

TEST_F(EvalPredict, EvalWithoutTestData) {
  write_text(file("untested.yaml"),
             "data: {train: {random: {cases: 8, length: 6, channels: 2}}}\n"
             "model: {type: signet, depth: 2}\ntrain: {epochs: 1}\nrun_dir: " +
                 file("untested") + "\n");
  ASSERT_EQ(run_sigtrain({"train", file("untested.yaml")}).code, 0);
  const auto result = run_sigtrain({"eval", file("untested")});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("give --data FILE"), std::string::npos);
}

TEST_F(EvalPredict, PredictProbabilities) {
  const auto result = run_sigtrain({"predict", file("classes"), "--data",
                                    "examples/data/BasicMotions_TEST.ts",
                                    "--output", file("p.csv")});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto rows = test::metrics_rows(file("p.csv"));
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
TEST_F(EvalPredict, PredictWithoutTargets) {
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
TEST_F(EvalPredict, PredictNumbers) {
  const std::string test = "examples/data/Covid3Month_TEST.ts";
  ASSERT_EQ(run_sigtrain({"predict", file("numbers"), "--data", test,
                          "--output", file("n.csv")})
                .code,
            0);
  const auto rows = test::metrics_rows(file("n.csv"));
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

TEST_F(EvalPredict, MulticlassLossesTrainEvaluateAndPredict) {
  const auto trained = run_sigtrain(
      {"train", file("classes.yaml"), "--set", "train.loss=bce", "--set",
       "train.class_weights=none", "--run-dir", file("bce")});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_EQ(keys(printed({"eval", file("bce"), "--json"})).count("accuracy"),
            1u);
}

// bce for numbers: targets, predictions and metrics are probabilities.
TEST_F(EvalPredict, BinaryTargetsAreProbabilities) {
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
  const auto rows = test::metrics_rows(file("b.csv"));
  EXPECT_EQ(rows[0],
            (std::vector<std::string>{"case", "predicted_1", "predicted_2"}));
  EXPECT_LT(std::stod(rows[1][1]), 0.3);
  EXPECT_GT(std::stod(rows[1][2]), 0.7);
  EXPECT_GE(std::stod(rows[1][1]), 0);
  EXPECT_LE(std::stod(rows[1][2]), 1);
}

}  // namespace
}  // namespace sigtape
