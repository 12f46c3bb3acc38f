// Runs that are killed or stopped at random steps and resumed end in the same
// bytes as one that was left alone.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <random>

#include "sigtape/training/io/json_record.h"
#include "support/run_files.h"
#include "support/sigtrain.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

namespace fs = std::filesystem;

using test::file_text;
using test::last_step;
using test::ProgramResult;
using test::Sigtrain;

struct Variant {
  const char* name;
  const char* yaml;
  int kills;
};

constexpr Variant variants[] = {{"signet3, early stopping, plateau", R"(
data: {train: examples/data/BasicMotions_TRAIN.ts, validation: 0.3}
model: {type: signet3, depth: 2}
train:
  epochs: 14
  batch_size: 8
  optimizer: {adam: {lr: 0.02}}
  schedule: {plateau: {factor: 0.5, patience: 1}}
  early_stopping: {patience: 9}
  log_every: 1
)",
                                 10},
                                {"dropout, class weights, rare checkpoints", R"(
dtype: float64
data: {train: examples/data/BasicMotions_TRAIN.ts, validation: 0.3}
model:
  layers:
    - augment: {layer_sizes: [8, 2], kernel_size: 4}
    - signature: {depth: 2, basepoint: true}
    - dropout: {p: 0.3}
    - linear: {out: 16}
    - tanh:
    - dropout: {p: 0.2}
    - linear:
train:
  epochs: 9
  batch_size: 5
  optimizer: {adamw: {lr: 0.01}}
  schedule: {cosine: {warmup: 2}}
  clip: {norm: 0.5}
  class_weights: balanced
  checkpoint_every: 2
  log_every: 1
)",
                                 5},
                                {"unequal lengths, momentum, no validation", R"(
data: {train: examples/data/JapaneseVowels_TRAIN.ts}
model: {type: signet, depth: 2}
train:
  epochs: 5
  batch_size: 30
  optimizer: {sgd: {lr: 0.01, momentum: 0.9, nesterov: true}}
  schedule: {step: {every: 2, factor: 0.5}}
  clip: {value: 0.1}
  log_every: 1
)",
                                 5}};

class Runs : public testing::TestWithParam<Variant> {
 protected:
  Runs() {
    config_ = folder_ / "config.yaml";
    test::write_text(config_, std::string("seed: 3\n") + GetParam().yaml);
    const ProgramResult result = train("whole", {});
    EXPECT_EQ(result.code, 0) << result.err;
    steps_ = last_step(folder_ / "whole/metrics.csv");
  }

  std::vector<std::string> arguments(const std::string& run) const {
    return {"train", config_, "--run-dir", folder_ / run, "--resume", "auto"};
  }
  ProgramResult train(const std::string& run,
                      const std::vector<std::string>& more) const {
    std::vector<std::string> all = arguments(run);
    all.insert(all.end(), more.begin(), more.end());
    return test::run_sigtrain(all);
  }

  // Sends the signal once `step` is done; false if the run has ended first.
  bool signal_after(Sigtrain& program, const std::string& run,
                    std::int64_t step, int signal) const {
    while (program.is_running()) {
      if (last_step(folder_ / run / "metrics.csv") >= step) {
        program.send(signal);
        return true;
      }
      ::usleep(200);
    }
    return false;
  }

  void expect_same_run(const std::string& run) const {
    for (const char* name : {"best.safetensors", "last/model.safetensors",
                             "last/optimizer.safetensors"}) {
      const std::string expected = file_text(folder_ / "whole" / name);
      EXPECT_FALSE(expected.empty()) << name;
      EXPECT_TRUE(file_text(folder_ / run / name) == expected) << name;
    }
    EXPECT_EQ(test::metrics_without_seconds(folder_ / run / "metrics.csv"),
              test::metrics_without_seconds(folder_ / "whole/metrics.csv"));
  }

  TemporaryFolder folder_;
  fs::path config_;
  std::int64_t steps_ = 0;
  std::mt19937 random_{7};
};

TEST_P(Runs, KilledAtRandomStepsAndResumed) {
  const int kills = GetParam().kills;
  // From steps that are soon done again to those of the next epochs.
  const auto reach = std::max<std::int64_t>(steps_ / kills, 2);
  int killed = 0;
  for (int i = 0; i < 10 * kills && killed < kills; ++i) {
    const std::int64_t done = last_step(folder_ / "killed/metrics.csv");
    const std::int64_t at =
        std::max<std::int64_t>(1, done - reach / 2 + random_() % (2 * reach));
    Sigtrain program(arguments("killed"));
    if (signal_after(program, "killed", at, SIGKILL)) ++killed;
    if (program.wait().code == 128 + SIGKILL) continue;
    // The end was reached before the signal: begin anew.
    expect_same_run("killed");
    if (killed < kills) fs::remove_all(folder_ / "killed");
  }
  EXPECT_EQ(killed, kills);
  const ProgramResult last = train("killed", {"--threads", "2"});
  ASSERT_EQ(last.code, 0) << last.err;
  expect_same_run("killed");
}

struct Signal {
  int number, code;
};

class Signals : public Runs {
 protected:
  // Stops a run, which may have begun already, after `step`; false if it has
  // ended before the signal came.
  bool stopped_after(std::int64_t step, const Signal& signal) {
    Sigtrain program(arguments("stopped"));
    signal_after(program, "stopped", step, signal.number);
    const ProgramResult result = program.wait();
    const auto state = JsonRecord::parse(
        file_text(folder_ / "stopped/last/state.json"), "state.json");
    if (state.get_bool("finished")) return false;
    EXPECT_EQ(result.code, signal.code) << result.err;
    EXPECT_NE(result.out.find("a checkpoint is saved"), std::string::npos);
    // The checkpoint is that of the last step there was.
    EXPECT_EQ(state.get_int("step"),
              last_step(folder_ / "stopped/metrics.csv"));
    EXPECT_GE(state.get_int("step"), step);
    return true;
  }
};

TEST_P(Signals, StopARunThatIsThenResumed) {
  for (const Signal& signal :
       {Signal{SIGTERM, 143}, Signal{SIGINT, 130}, Signal{SIGHUP, 143}}) {
    int stops = 0;
    for (int attempt = 0; attempt < 10 && stops < 2; ++attempt) {
      const auto done = last_step(folder_ / "stopped/metrics.csv");
      if (stopped_after(done + steps_ / 5, signal)) {
        ++stops;
      } else {
        fs::remove_all(folder_ / "stopped");
      }
    }
    EXPECT_EQ(stops, 2) << "the signals came too late to prove anything";
    const ProgramResult last = train("stopped", {"--threads", "1"});
    ASSERT_EQ(last.code, 0) << last.err;
    expect_same_run("stopped");
    fs::remove_all(folder_ / "stopped");
  }
}

TEST_P(Runs, AFinishedRunIsFinished) {
  const std::string before = file_text(folder_ / "whole/best.safetensors");
  const ProgramResult again = train("whole", {});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.out.find("this run is finished"), std::string::npos);
  EXPECT_EQ(file_text(folder_ / "whole/best.safetensors"), before);
  EXPECT_EQ(last_step(folder_ / "whole/metrics.csv"), steps_);
}

TEST_P(Runs, TheResolvedConfigurationRunsToTheSameBits) {
  const ProgramResult again = test::run_sigtrain(
      {"train", folder_ / "whole/config.yaml", "--run-dir", folder_ / "copy"});
  ASSERT_EQ(again.code, 0) << again.err;
  expect_same_run("copy");
}

std::string name_of(const testing::TestParamInfo<Variant>& info) {
  return "Variant" + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(Variants, Runs, testing::ValuesIn(variants), name_of);
INSTANTIATE_TEST_SUITE_P(Variants, Signals, testing::ValuesIn(variants),
                         name_of);

}  // namespace
}  // namespace sigtape
