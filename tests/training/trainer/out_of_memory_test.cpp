// A training whose memory ends, at any allocation of a kilobyte or more, stops
// with an error of memory and leaves a checkpoint from which it goes on to the
// same bytes. Smaller ones are left out: the destructor of a json value makes
// some.
#include <gtest/gtest.h>

#include <cstdio>

#include "sigtape/training/config/load.h"
#include "sigtape/training/exit_code.h"
#include "sigtape/training/trainer/run_training.h"
#include "support/allocations.h"
#include "support/sigtrain.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

namespace fs = std::filesystem;

constexpr const char* yaml = R"(
seed: 5
data: {train: examples/data/ItalyPowerDemand_TRAIN.ts, validation: 0.25}
model: {type: signet2, depth: 2}
train: {epochs: 3, batch_size: 17, log_every: 1}
)";

class OutOfMemory : public testing::Test {
 protected:
  ExitCode train(const std::string& run, bool resume = false) {
    Config config = parse_config(yaml, "c.yaml");
    config.run_dir = folder_ / run;
    return run_training(config, {resume, {}}, nowhere_);
  }
  std::string weights(const std::string& run) {
    return test::file_text(folder_ / run / "best.safetensors");
  }
  // Trains while `count` allocations from number `first` on fail; whether it
  // came to the end.
  bool train_without_memory(std::int64_t first, std::int64_t count) {
    ExitCode code = ExitCode::ok;
    bool ended = false;
    try {
      test::fail_large_allocations(first, count);
      ended = train("starved") == ExitCode::ok;
    } catch (const std::exception& error) {
      test::fail_large_allocations(0, 0);
      code = exit_code_of(error);
      EXPECT_EQ(code, ExitCode::device)
          << "at " << first << ": " << error.what();
    }
    test::fail_large_allocations(0, 0);
    return ended;
  }
  ~OutOfMemory() override { std::fclose(nowhere_); }

  TemporaryFolder folder_;
  std::FILE* nowhere_ = std::fopen("/dev/null", "w");
};

TEST_F(OutOfMemory, AtAnyLargeAllocationEndsInAnErrorAndAResumableRun) {
  ASSERT_EQ(train("warm"), ExitCode::ok);
  const std::int64_t before = test::large_allocations();
  ASSERT_EQ(train("whole"), ExitCode::ok);
  const std::int64_t all = test::large_allocations() - before;
  const std::string expected = weights("whole");
  ASSERT_FALSE(expected.empty());
  constexpr int places = 15;
  int stopped = 0;
  int checkpoints = 0;
  for (const std::int64_t count : {std::int64_t{1}, 2 * all}) {
    for (int place = 0; place < places; ++place) {
      const std::int64_t first = 1 + all * place / places;
      if (!train_without_memory(first, count)) ++stopped;
      checkpoints += fs::exists(folder_ / "starved/last/manifest.json");
      ASSERT_EQ(train("starved", true), ExitCode::ok);
      ASSERT_TRUE(weights("starved") == expected) << "at " << first;
      fs::remove_all(folder_ / "starved");
    }
  }
  EXPECT_GT(stopped, places);  // of twice as many
  EXPECT_GT(checkpoints, 2);
}

}  // namespace
}  // namespace sigtape
