// What `sigtrain train` writes, prints and refuses.
#include "sigtape/framework/device.h"
#include "sigtape/training/io/safetensors.h"
#include "training/cli/trained_runs.h"

namespace sigtape {
namespace {

using nlohmann::json;
using test::file_text;
using test::run_sigtrain;
using test::write_text;

using TrainCommandRuns = TrainedRuns;

TEST_F(TrainCommandRuns, TheRunFolderHoldsItsFilesAndNoMore) {
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

TEST_F(TrainCommandRuns, MetricsHaveTheColumnsOfTheInterface) {
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

TEST_F(TrainCommandRuns, TrainSaysTheDeviceAndEndsWithTheTestMetrics) {
  EXPECT_NE(output_["classes"].find("CPU"), std::string::npos);
  EXPECT_NE(output_["classes"].find("test: accuracy "), std::string::npos);
  EXPECT_NE(output_["numbers"].find("test: rmse "), std::string::npos);
  EXPECT_EQ(output_["classes"].find('\r'), std::string::npos);
  EXPECT_EQ(output_["classes"].find('\x1b'), std::string::npos);
}

TEST_F(TrainCommandRuns, ASecondTrainingInTheFolderIsRefused) {
  const std::string before = file_text(file("classes/best.safetensors"));
  const auto result = run_sigtrain({"train", file("classes.yaml")});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("already holds a run"), std::string::npos);
  EXPECT_NE(result.err.find("--resume"), std::string::npos);
  EXPECT_EQ(file_text(file("classes/best.safetensors")), before);
}

TEST_F(TrainCommandRuns, ResumeRefusesAnotherConfiguration) {
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

TEST_F(TrainCommandRuns, ResumeAutoStartsAfreshWhereNothingIs) {
  const auto result = run_sigtrain({"train", file("classes.yaml"), "--resume",
                                    "auto", "--run-dir", file("afresh")});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(file_text(file("afresh/best.safetensors")),
            file_text(file("classes/best.safetensors")));
}

TEST_F(TrainCommandRuns, BestWeightsDoNotDependOnFolderThreadsOrDevice) {
  const auto result =
      run_sigtrain({"train", file("classes/config.yaml"), "--run-dir",
                    file("again"), "--threads", "3", "--device", "cpu"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out.find("auto"), std::string::npos);
  EXPECT_EQ(file_text(file("again/best.safetensors")),
            file_text(file("classes/best.safetensors")));
}

TEST_F(TrainCommandRuns, WithoutAGpuAutoIsTheCpuAndCudaIsRefused) {
  if (cuda_device_count() > 0) GTEST_SKIP() << "there is a CUDA device";
  const auto on = [&](const char* device) {
    return run_sigtrain({"train", file("classes.yaml"), "--run-dir",
                         file(device), "--device", device});
  };
  const auto any = on("auto");
  EXPECT_EQ(any.code, 0) << any.err;
  EXPECT_TRUE(
      any.out.starts_with("device: auto found no GPU that this program can "
                          "use; running on the CPU\n"))
      << any.out;
  EXPECT_EQ(file_text(file("auto/best.safetensors")),
            file_text(file("classes/best.safetensors")));
  const auto refused = on("cuda");
  EXPECT_EQ(refused.code, 6);
  EXPECT_TRUE(refused.err.starts_with("sigtrain: device cuda:0: "));
  EXPECT_TRUE(refused.err.ends_with("; use --device cpu or --device auto\n"));
  EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1);
  EXPECT_FALSE(std::filesystem::exists(file("cuda")));
}

TEST_F(TrainCommandRuns, DryRunAndPrintConfigWriteNothing) {
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

TEST_F(TrainCommandRuns, InitTakesTheWeightsOfARun) {
  const auto result = run_sigtrain({"train", file("classes.yaml"), "--init",
                                    file("classes/best.safetensors"),
                                    "--run-dir", file("init")});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(file_text(file("init/best.safetensors")),
            file_text(file("classes/best.safetensors")));
}

TEST_F(TrainCommandRuns, AnAbsurdLearningRateStopsTheRunAndNamesTheStep) {
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
  const std::string kept = file("anomaly/anomaly.safetensors");
  EXPECT_NE(named.err.find("its batch is saved in " + kept), std::string::npos)
      << named.err;
  const Safetensors batch = read_safetensors(kept);
  ASSERT_TRUE(find_array(batch, "inputs"));
  ASSERT_TRUE(find_array(batch, "targets"));
  ASSERT_TRUE(find_array(batch, "cases"));
  EXPECT_EQ(find_array(batch, "cases")->shape[0],
            find_array(batch, "inputs")->shape[0]);

  auto skip = absurd;
  skip.insert(skip.end(), {file("skip"), "--set", "train.on_nan=skip", "--set",
                           "train.epochs=9", "--set", "data.validation=null"});
  const auto skipped = run_sigtrain(skip);
  EXPECT_EQ(skipped.code, 4);
  EXPECT_NE(skipped.err.find("eleventh step in a row"), std::string::npos)
      << skipped.err;
}

}  // namespace
}  // namespace sigtape
