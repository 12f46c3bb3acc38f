// The number of threads changes no bit.
#include <gtest/gtest.h>

#include "support/run_files.h"
#include "support/sigtrain.h"
#include "training/io/temporary_folder.h"

namespace sigtape {
namespace {

using test::file_text;

void expect_same_bits(const std::string& name, const std::string& yaml) {
  const TemporaryFolder folder;
  test::write_text(folder / "config.yaml", yaml);
  for (const char* threads : {"1", "2", "7"}) {
    const auto result =
        test::run_sigtrain({"train", folder / "config.yaml", "--threads",
                            threads, "--run-dir", folder / threads});
    ASSERT_EQ(result.code, 0) << result.err;
  }
  const std::string best = file_text(folder / "1/best.safetensors");
  EXPECT_GT(best.size(), 1000u);
  for (const std::string run : {"2", "7"}) {
    EXPECT_TRUE(file_text(folder / (run + "/best.safetensors")) == best)
        << name << ", " << run << " threads";
    EXPECT_EQ(test::metrics_without_seconds(folder / (run + "/metrics.csv")),
              test::metrics_without_seconds(folder / "1/metrics.csv"));
  }
}

TEST(Threads, Signet3) {
  for (const char* dtype : {"float32", "float64"}) {
    expect_same_bits(dtype, std::string("dtype: ") + dtype + R"(
data: {train: examples/data/BasicMotions_TRAIN.ts, validation: 0.2}
model: {type: signet3, depth: 3}
train: {epochs: 3, batch_size: 16, log_every: 1, checkpoint_every: 9}
)");
  }
}

TEST(Threads, UnequalLengthsAndDropout) {
  expect_same_bits("signet2", R"(
data: {train: examples/data/JapaneseVowels_TRAIN.ts, validation: 0.2}
model:
  layers:
    - augment: {layer_sizes: [16, 4], kernel_size: 4, include_original: true, include_time: true}
    - signature: {depth: 3, basepoint: true}
    - dropout: {p: 0.2}
    - layer_norm:
    - linear:
train: {epochs: 2, batch_size: 40, log_every: 1, checkpoint_every: 9}
)");
}

}  // namespace
}  // namespace sigtape
