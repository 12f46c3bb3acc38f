// A training step asks neither operator new nor the system for memory once
// the first two have filled the caches.
#include <gtest/gtest.h>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/trainer/fit.h"
#include "support/allocations.h"

namespace sigtape {
namespace {

struct Use {
  std::int64_t allocations = 0, misses = 0;
};

// What the steps from `first` to `last` of a training take: from the batch's
// gather to the update of the weights.
Use use_of_steps(const Config& config, std::int64_t first, std::int64_t last) {
  Fit fit(config, load_training_data(config));
  Use before, after;
  TrainingEvents events;
  std::int64_t step = 0;
  const auto now = [] {
    return Use{test::allocations(), cache_statistics().misses};
  };
  events.step = [&](std::int64_t, double, double) {
    ++step;
    if (step == first - 1) before = now();
    if (step == last) after = now();
  };
  events.interrupted = [&] { return step >= last; };
  empty_cache();
  before = now();
  fit.trainer().run(events);
  EXPECT_EQ(step, last);
  return {after.allocations - before.allocations, after.misses - before.misses};
}

struct Model {
  const char* name;
  const char* yaml;
};

constexpr Model models[] = {{"signet", "model: {type: signet, depth: 3}\n"},
                            {"signet2", "model: {type: signet2, depth: 3}\n"},
                            {"signet3", "model: {type: signet3, depth: 2}\n"},
                            {"deep stack", R"(
model:
  layers:
    - augment: {layer_sizes: [8, 4], kernel_size: 3, include_original: true, include_time: true}
    - signature: {depth: 2, stream: true, basepoint: true}
    - augment: {layer_sizes: [4], kernel_size: 2, include_original: false, include_time: false}
    - signature: {depth: 2, stream: true, basepoint: true}
    - augment: {layer_sizes: [4], kernel_size: 2, include_original: false, include_time: false}
    - signature: {depth: 2, basepoint: true}
    - layer_norm:
    - linear: {out: 16}
    - gelu:
    - dropout: {p: 0.2}
    - linear:
)"}};

struct Data {
  const char* name;
  const char* yaml;
};

// Four, three and nine steps an epoch; the last one is of fewer cases.
constexpr Data data[] = {
    {"numbers",
     "data: {train: {random: {cases: 60, length: 20, channels: 3, outputs: 2}"
     "}}\n"
     "train: {batch_size: 16, optimizer: {sgd: {lr: 1.0e-5, momentum: "
     "0.9}}}\n"},
    {"classes",
     "data: {train: examples/data/BasicMotions_TRAIN.ts}\n"
     "train: {batch_size: 16, clip: {norm: 1.0}, class_weights: balanced, "
     "label_smoothing: 0.1}\n"},
    {"unequal",
     "data: {train: examples/data/JapaneseVowels_TRAIN.ts, short: pad}\n"
     "train: {batch_size: 32, optimizer: {adamw: {}}}\n"}};

class StepAllocation : public testing::TestWithParam<int> {};

TEST_P(StepAllocation, NothingFromTheThirdStepOn) {
  set_num_threads(GetParam());
  for (const Model& model : models) {
    const Config config = parse_config(
        std::string("data: {train: {random: {cases: 80, length: 20, channels: "
                    "3}}}\ntrain: {batch_size: 16}\n") +
            model.yaml,
        "test.yaml");
    const Use use = use_of_steps(config, 3, 25);
    EXPECT_EQ(use.allocations, 0) << model.name;
    EXPECT_EQ(use.misses, 0) << model.name;
  }
}

// A last batch of fewer cases is no exception.
TEST_P(StepAllocation, NothingForAShorterLastBatch) {
  set_num_threads(GetParam());
  for (const Model& model : models) {
    for (const Data& d : {data[0], data[1]}) {
      const Config config =
          parse_config(std::string(d.yaml) + model.yaml, "test.yaml");
      const Use use = use_of_steps(config, 3, 25);
      EXPECT_EQ(use.allocations, 0) << model.name << ", " << d.name;
      EXPECT_EQ(use.misses, 0) << model.name << ", " << d.name;
    }
  }
}

// A batch of longer streams than any before it may need sizes that none before
// it needed: these are asked for once.
TEST_P(StepAllocation, BatchesOfOtherSizesTakeWhatTheyNeedOnce) {
  set_num_threads(GetParam());
  for (const Model& model : models) {
    for (const Data& d : data) {
      const Config config =
          parse_config(std::string(d.yaml) + model.yaml, "test.yaml");
      EXPECT_EQ(use_of_steps(config, 3, 12).allocations, 0)
          << model.name << ", " << d.name;
      const Use use = use_of_steps(config, 41, 50);
      EXPECT_EQ(use.allocations, 0) << model.name << ", " << d.name;
      EXPECT_EQ(use.misses, 0) << model.name << ", " << d.name;
    }
  }
}

// Else the tests above would prove nothing.
TEST(StepAllocation, TheFirstStepsAreCounted) {
  const Config config = parse_config(
      "data: {train: {random: {cases: 32, length: 20, channels: 3}}}\n"
      "train: {batch_size: 16}\nmodel: {type: signet2, depth: 3}\n",
      "test.yaml");
  const Use use = use_of_steps(config, 1, 3);
  EXPECT_GT(use.allocations + use.misses, 0);
}

INSTANTIATE_TEST_SUITE_P(Threads, StepAllocation, testing::Values(1, 2));

}  // namespace
}  // namespace sigtape
