#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "sigtape/training/config/load.h"
#include "support/source_dir.h"

namespace sigtape {
namespace {

const std::string kMinimal =
    "data: {train: a.ts}\n"
    "model: {type: signet, depth: 2}\n";

void expect_round_trip(const Config& config) {
  const std::string yaml = to_yaml(config);
  const Config again = parse_config(yaml, "other.yaml");
  EXPECT_EQ(again, config) << yaml;
  EXPECT_EQ(to_yaml(again), yaml);
}

Config with(const std::vector<std::string>& overrides) {
  return parse_config(kMinimal, "c/minimal.yaml", overrides);
}

// The table's defaults against the initial values of the structs.
TEST(RoundTrip, DefaultsAreThoseOfTheStructs) {
  Config expected;
  expected.data.train = FileSource{"a.ts"};
  expected.model = with({}).model;
  expected.run_dir = "runs/minimal";
  EXPECT_EQ(with({}), expected);
  EXPECT_EQ(std::get<SgdConfig>(with({"train.optimizer=sgd"}).train.optimizer),
            SgdConfig{});
  EXPECT_EQ(
      std::get<AdamwConfig>(with({"train.optimizer=adamw"}).train.optimizer),
      AdamwConfig{});
  EXPECT_EQ(with({"train.schedule=step"}).train.schedule,
            ScheduleConfig(StepScheduleConfig{}));
  EXPECT_EQ(with({"train.schedule=cosine"}).train.schedule,
            ScheduleConfig(CosineScheduleConfig{}));
  EXPECT_EQ(with({"train.schedule=plateau"}).train.schedule,
            ScheduleConfig(PlateauScheduleConfig{}));
  EXPECT_EQ(*with({"train.early_stopping={}", "data.validation=0.5"})
                 .train.early_stopping,
            EarlyStoppingConfig{});
}

TEST(RoundTrip, DefaultsOfLayersAreThoseOfTheStructs) {
  const Config config = parse_config(
      "data: {train: a.ts}\n"
      "model:\n"
      "  layers: [augment, relu, leaky_relu, tanh, sigmoid, gelu, softplus,\n"
      "           layer_norm, dropout, {signature: {depth: 1, stream: true}},\n"
      "           {logsignature: {depth: 1}}, linear]\n",
      "c.yaml");
  SignatureConfig streaming;
  streaming.stream = true;
  const std::vector<LayerSettings> expected = {
      AugmentConfig{}, ReluConfig{}, LeakyReluConfig{},    TanhConfig{},
      SigmoidConfig{}, GeluConfig{}, SoftplusConfig{},     LayerNormConfig{},
      DropoutConfig{}, streaming,    LogSignatureConfig{}, LinearConfig{}};
  ASSERT_EQ(config.model.layers.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(config.model.layers[i].settings, expected[i]) << i;
    EXPECT_EQ(config.model.layers[i].name, "layers." + std::to_string(i));
  }
  expect_round_trip(config);
}

TEST(RoundTrip, EveryAlternative) {
  const std::vector<std::vector<std::string>> cases = {
      {},
      {"seed=9007199254740991", "device=cuda:1", "dtype=float64"},
      {"data.train={x: a.npy, y: \"b c.npy\"}", "data.test='0.5'"},
      {"data.train={random: {cases: 3, length: 4, channels: 5}}",
       "data.validation={random: {cases: 1, length: 1, channels: 1}}"},
      {"data.validation=0.30000000000000004", "train.early_stopping={}"},
      {"data.validation=v.ts", "data.test=\"none\"", "data.format=csv"},
      {"data.train=../up/a.ts", "data.test=./b.ts", "run_dir=/tmp/run"},
      {"data.test='.c.ts'", "run_dir='e5'", "train.clip.value=1e+20"},
      {"data.test='a \"b\" \\c'", "run_dir='true'", "data.short=pad"},
      {"train.optimizer={adam: {lr: 1e-300, betas: [0, 0.1]}}"},
      {"train.optimizer={sgd: {momentum: 0.1, nesterov: true}}"},
      {"train.schedule={step: {every: 2, factor: 0.3333333333333333}}"},
      {"train.schedule={plateau: {patience: 0}}", "train.clip.value=0.1"},
      {"train.class_weights=[1, 2.5]", "train.loss=cross_entropy"},
      {"train.class_weights=balanced", "train.label_smoothing=0.1"},
      {"limits.max_bytes=2GiB", "train.on_nan=skip"},
      {"model.type=signet2", "model.out=3"},
      {"model.type=signet3"},
      {"model={layers: [{signature: {depth: 2, basepoint: [0.1, -1e-05]}}]}"},
      {"model={layers: [{signature: {depth: 2, basepoint: true, name: a.b}}]}"},
      {"data.train={generator: fbm, cases: 3, length: 9, hurst: [0.2, 0.7]}"},
      {"data.train={generator: ornstein_uhlenbeck, cases: 3, length: 9, speed: "
       "[2], level: 1, volatility: [0.5], duration: 4, start: -1}"},
      {"data.train={generator: ornstein_uhlenbeck, cases: 3, length: 9, start: "
       "-1e+20}"},
      {"data.train={generator: geometric_brownian, cases: 3, length: 9, "
       "volatility: [0.1, 0.2], drift: 0.5}",
       "train.loss=log_mse"},
      {"model={layers: [{recur: {memory: 2, name: walk, layers: [linear: {out: "
       "4, name: first}, relu, dropout]}}, last]}"},
      {"model={layers: [{unfold: {length: 3}}, {gru: {hidden: 2, layers: 3}}, "
       "{rnn: {hidden: 2}}, {lstm: {hidden: 5, bias: false}}, mean]}"},
      {"model={layers: [{logsignature: {depth: 2, mode: brackets, basepoint: "
       "[1, 2], inverse: true}}]}"},
      {"model={layers: [{augment: {include_original: false}}, last]}"},
      {"model={layers: [relu, last, {linear: {name: layers.9}}]}"},
      {"model={layers: [time, {time: {start: -1, end: 2.5, first: true}}, "
       "lead_lag, {lead_lag: {lag_first: true}}, invisibility_reset, "
       "cumulative_sum, basepoint, {basepoint: {point: [1, 2]}}, {scale: "
       "{factors: [0.5]}}, {keep_channels: {channels: [2, 0]}}, "
       "{drop_channels: {channels: [1]}}, {rectilinear: {time_channel: 1}}, "
       "last]}"},
      {"model={layers: [{window: {size: 20, step: 10, depth: 3}}, mean]}"},
      {"model={layers: [{window: {kind: expanding, size: 2, depth: 2, "
       "logsignature: words, basepoint: true, inverse: true}}, last]}"},
      {"model={layers: [{window: {kind: dyadic, levels: 2, depth: 2, "
       "scalar_term: true}}, flatten]}"},
      {"model={layers: [{window: {kind: intervals, starts: [0, 3], ends: [4, "
       "9], depth: 2, logsignature: brackets}}, last]}"},
  };
  for (const auto& overrides : cases) expect_round_trip(with(overrides));
}

TEST(RoundTrip, PresetsAreThePapersModels) {
  const auto model = [](const char* layers) {
    return parse_config(
               "data: {train: a.ts}\nmodel:\n  layers:\n" + std::string(layers),
               "c.yaml")
        .model;
  };
  EXPECT_EQ(with({}).model,
            model("    - augment: {name: augment}\n"
                  "    - signature: {depth: 2, basepoint: true}\n"
                  "    - linear: {name: linear}\n"));
  EXPECT_EQ(with({"model.type=signet2"}).model,
            model("    - augment: {layer_sizes: [8, 8, 2], kernel_size: 4, "
                  "name: augment}\n"
                  "    - signature: {depth: 2, basepoint: zero}\n"
                  "    - linear: {name: linear}\n"));
  EXPECT_EQ(
      with({"model.type=signet3", "model.out=7"}).model,
      model("    - augment: {layer_sizes: [8, 8, 4], kernel_size: 4, "
            "include_original: true, include_time: true, name: augment1}\n"
            "    - signature: {depth: 2, stream: true, basepoint: true}\n"
            "    - augment: {layer_sizes: [8, 8, 4], kernel_size: 4, "
            "include_original: false, include_time: false, name: augment2}\n"
            "    - signature: {depth: 2, basepoint: true}\n"
            "    - linear: {out: 7, name: linear}\n"));
}

TEST(RoundTrip, NumbersKeepTheirBits) {
  const double numbers[] = {
      0.1,  1.0 / 3, 5e-324, 1.7976931348623157e308, 123456789.123456789,
      1e15, 1e22};
  for (const double lr : numbers) {
    Config config = with({});
    std::get<AdamConfig>(config.train.optimizer).lr = lr;
    expect_round_trip(config);
  }
}

TEST(RoundTrip, LinesMayEndInCarriageReturns) {
  const Config config = parse_config(
      "\xef\xbb\xbf"
      "data: {train: a.ts}\r\nmodel: {type: signet, depth: 2}\r\n",
      "minimal.yaml");
  EXPECT_EQ(config, with({}));
}

TEST(RoundTrip, EveryShippedConfigLoads) {
  const std::string folder = test::source_path("configs");
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no configs";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    SCOPED_TRACE(entry.path());
    ASSERT_NO_THROW(expect_round_trip(load_config(entry.path().string())));
  }
}

TEST(RoundTrip, AMissingFileIsAFileError) {
  EXPECT_THROW(load_config("no/such.yaml"), FileError);
  EXPECT_THROW(load_config(test::source_path("tests")), FileError);
}

}  // namespace
}  // namespace sigtape
