// The parts of a memory plan against models that are built, and what the
// refusal of one advises against trainings that follow the advice.
#include "sigtape/training/trainer/plan.h"

#include <gtest/gtest.h>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/check.h"
#include "sigtape/framework/random.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/training/config/load.h"
#include "sigtape/training/model_factory.h"
#include "sigtape/training/trainer/fit.h"
#include "support/battery.h"

namespace sigtape {
namespace {

constexpr const char* layers = R"(
  layers:
    - augment: {layer_sizes: [6, 5], kernel_size: 3, stride: 2, padding: 1, dilation: 2, bias: false}
    - layer_norm:
    - signature: {depth: 2, stream: true}
    - augment: {kernel_size: 2, include_time: true}
    - tanh:
    - signature: {depth: 2, stream: true, basepoint: true, scalar_term: true}
    - flatten:
    - linear: {out: 7}
    - dropout: {p: 0.5}
    - linear: {bias: false}
)";

Config config_of(const std::string& model, const std::string& rest = "") {
  return parse_config(
      "data: {train: {random: {cases: 48, length: 30, channels: 4, outputs: "
      "3}}}\nmodel: " +
          model + "\n" + rest,
      "test.yaml");
}

ModelInfo info_of(bool unequal = false) {
  ModelInfo info;
  info.input = {30, 4, unequal};
  info.target = TargetKind::numbers;
  info.outputs = 3;
  return info;
}

const PlannedData data{48, 48 * 30, 0, 0};

std::int64_t total(const Config& config) {
  return static_cast<std::int64_t>(
      plan_memory(config, info_of(), data).total());
}

TEST(Plan, IsWhatTheBuiltModelTakes) {
  for (const std::string& model :
       {std::string("{type: signet, depth: 3}"),
        std::string("{type: signet2, depth: 4}"),
        std::string("{type: signet3, depth: 2}"), std::string(layers)}) {
    const Config config = config_of(model, "train: {batch_size: 10}\n");
    const auto built = make_model(config.model, 3);
    built->build({30, 4, false});
    const MemoryPlan plan = plan_memory(config, info_of(), data);
    EXPECT_EQ(plan.weights, 4 * static_cast<double>(built->parameter_count()));
    EXPECT_EQ(plan.gradients, plan.weights);
    EXPECT_EQ(plan.optimizer, 2 * plan.weights);
    EXPECT_EQ(plan.data, 4 * 48 * (30 * 4 + 3));
    EXPECT_GT(plan.activations, 4 * 10 * 30 * 4);
  }
}

TEST(Plan, CountsTypeOptimiserDataAndBatch) {
  const std::string model = "{type: signet, depth: 3}";
  const auto plan = [&](const std::string& rest) {
    return plan_memory(config_of(model, rest), info_of(), data);
  };
  const MemoryPlan single = plan(""), twice = plan("dtype: float64\n");
  EXPECT_EQ(twice.weights, 2 * single.weights);
  EXPECT_EQ(twice.data, 2 * single.data);
  EXPECT_EQ(plan("train: {optimizer: sgd}\n").optimizer, 0);
  EXPECT_EQ(plan("train: {optimizer: {sgd: {momentum: 0.9}}}\n").optimizer,
            single.weights);
  EXPECT_GT(plan("train: {batch_size: 48}\n").activations,
            1.3 * plan("train: {batch_size: 32}\n").activations);
  // A batch has no more cases than there are.
  EXPECT_EQ(plan("train: {batch_size: 48}\n").total(),
            plan("train: {batch_size: 4800}\n").total());
  const MemoryPlan validated =
      plan_memory(config_of(model), info_of(), {48, 48 * 30, 10, 300});
  EXPECT_EQ(validated.data, single.data + 4 * (300 * 4 + 10 * 3));
  EXPECT_EQ(plan_memory(config_of(model), info_of(), {}).data, 0);
}

// The layer whose depth one has to lower.
TEST(Plan, NamesTheLayerThatTakesMost) {
  const Config config = config_of(
      "{layers: [signature: {depth: 2, stream: true}, signature: {depth: 4, "
      "name: wide}, linear: {out: 5}, linear: ]}");
  const MemoryPlan plan = plan_memory(config, info_of(), data);
  EXPECT_EQ(plan.layer, "wide");
  EXPECT_GT(plan.layer_bytes, 0.5 * plan.total());
  EXPECT_LT(plan.layer_bytes, plan.total());
}

// It takes no memory worth speaking of, draws no numbers and leaves no trace.
TEST(Plan, LeavesNothingBehind) {
  manual_seed(3);
  const Generator before = default_generator();
  const CacheStatistics counters = cache_statistics();
  const Config config =
      config_of("{type: signet2, depth: 8}", "train: {batch_size: 48}\n");
  EXPECT_GT(total(config), 10'000'000);
  const CacheStatistics after = cache_statistics();
  EXPECT_EQ(after.live_bytes, counters.live_bytes);
  EXPECT_EQ(after.peak_bytes, counters.peak_bytes);
  EXPECT_LT(after.cached_bytes, counters.cached_bytes + 1'000'000);
  EXPECT_EQ(default_generator().seed, before.seed);
  EXPECT_EQ(default_generator().offset, before.offset);
  EXPECT_FALSE(shapes_only());
}

// ---- The refusal

std::string refusal_of(const Config& config, std::int64_t limit) {
  try {
    require_memory(config, info_of(), data, limit);
  } catch (const MemoryError& error) {
    return error.what();
  }
  return "";
}

// The number behind `words` in a message; 0 where they are not in it.
std::int64_t number_after(const std::string& message,
                          const std::string& words) {
  const std::size_t at = message.find(words);
  return at == std::string::npos
             ? 0
             : std::stoll(message.substr(at + words.size()));
}

Config with_depth(int depth, int batch = 20) {
  return config_of("{type: signet, depth: " + std::to_string(depth) + "}",
                   "train: {epochs: 1, batch_size: " + std::to_string(batch) +
                       ", optimizer: {sgd: {lr: 1.0e-9}}}\n");
}

// Trains under a limit that the allocator enforces.
void train(Config config, std::int64_t limit) {
  config.limits.max_bytes = limit;
  Fit fit(config, load_training_data(config));
  fit.trainer().run({});
}

// The peak of a training without limit.
std::int64_t measured(const Config& config) {
  const std::int64_t before = cache_statistics().live_bytes;
  reset_cache_statistics();
  train(config, std::int64_t{1} << 40);
  return cache_statistics().peak_bytes - before;
}

TEST(PlanRefusal, NamesPartsLayerBytesAndLimit) {
  const Config config = with_depth(7);
  const MemoryPlan plan = plan_memory(config, info_of(), data);
  const std::string message = refusal_of(config, 1'000'000);
  for (const std::string& part :
       {std::string("weights "), std::string("gradients "),
        std::string("optimiser 0 B"), std::string("data "),
        std::string("activations "), std::to_string(total(config)) + " bytes",
        std::string("limit of 976.6 KiB (1000000 bytes, limits.max_bytes)"),
        "layer '" + plan.layer + "' takes most, " +
            byte_text(plan.layer_bytes)}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << "\n" << message;
  }
  EXPECT_EQ(refusal_of(config, total(config)), "");
  EXPECT_NE(refusal_of(config, total(config) - 1), "");
  EXPECT_EQ(refusal_of(config, 0), "");  // no limit
}

TEST(PlanRefusal, TheNamedDepthFitsAndOneMoreDoesNot) {
  constexpr std::int64_t slack = 1024;
  for (int depth = 1; depth < 6; ++depth) {
    const std::int64_t limit = total(with_depth(depth)) + slack;
    const std::string message = refusal_of(with_depth(8), limit);
    EXPECT_EQ(number_after(message, "largest depth that fits is "), depth)
        << message;
    train(with_depth(depth), limit);
    EXPECT_THROW(train(with_depth(depth + 1), limit), MemoryError);
    EXPECT_GT(measured(with_depth(depth + 1)), limit);
  }
}

TEST(PlanRefusal, TheNamedBatchFitsAndOneMoreDoesNot) {
  for (const std::int64_t limit : {700'000, 1'000'000, 1'500'000}) {
    const std::string message = refusal_of(with_depth(5, 48), limit);
    const auto batch = static_cast<int>(
        number_after(message, "largest train.batch_size that fits is "));
    ASSERT_GT(batch, 1) << message;
    ASSERT_LT(batch, 47) << message;
    train(with_depth(5, batch), limit);
    EXPECT_THROW(train(with_depth(5, batch + 1), limit), MemoryError);
    EXPECT_GT(measured(with_depth(5, batch + 1)), limit);
  }
}

// Depths of log-signatures, windows and inner networks count, too.
TEST(PlanRefusal, EveryDepthIsLowered) {
  const auto config = [](int depth) {
    const std::string d = "{depth: " + std::to_string(depth);
    return config_of(
        "{layers: [window: " + d +
        ", size: 10, step: 2}, unfold: {length: 3},"
        " recur: {memory: 2, layers: [linear: {out: 4}]}, logsignature: " +
        d + "}, linear: ]}");
  };
  const std::string message = refusal_of(config(5), total(config(2)));
  EXPECT_EQ(number_after(message, "largest depth that fits is "), 2) << message;
}

TEST(PlanRefusal, SaysWhereNothingFits) {
  const std::string message = refusal_of(with_depth(3), 1000);
  EXPECT_NE(message.find("no smaller depth or batch fits"), std::string::npos)
      << message;
}

// Many times what the machine has, and more than can be counted.
TEST(PlanRefusal, OfMoreThanTheMachineHas) {
  constexpr std::int64_t limit = 100'000'000;
  for (const int depth : {14, 22, 26}) {
    const std::string message = refusal_of(with_depth(depth), limit);
    EXPECT_NE(message.find("model: "), std::string::npos) << message;
    const std::string last =
        message.substr(message.rfind("; the largest depth"));
    const auto advised =
        static_cast<int>(number_after(last, "largest depth that fits is "));
    EXPECT_GT(advised, 3) << message;
    train(with_depth(advised), limit);
  }
}

TEST(Plan, Bytes) {
  EXPECT_EQ(byte_text(0), "0 B");
  EXPECT_EQ(byte_text(1023), "1023 B");
  EXPECT_EQ(byte_text(1536), "1.5 KiB");
  EXPECT_EQ(byte_text(3.0 * (1 << 30)), "3.0 GiB");
}

}  // namespace
}  // namespace sigtape
