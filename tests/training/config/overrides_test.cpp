#include <gtest/gtest.h>

#include "sigtape/training/config/load.h"

namespace sigtape {
namespace {

const std::string kLayers =
    "data: {train: a.ts}\n"
    "model:\n"
    "  layers:\n"
    "    - augment: {layer_sizes: [8, 2], kernel_size: 4}\n"
    "    - signature: {depth: 2}\n"
    "    - linear\n"
    "train: {optimizer: {adam: {lr: 0.5, eps: 0.25}}}\n";

Config with(const std::vector<std::string>& overrides) {
  return parse_config(kLayers, "f.yaml", overrides);
}

template <class T>
T layer(const Config& config, std::size_t index) {
  return std::get<T>(config.model.layers[index].settings);
}

TEST(Overrides, SetKeysThatAreThere) {
  EXPECT_EQ(std::get<FileSource>(with({"data.train=b.ts"}).data.train).path,
            "b.ts");
  const Config config = with({"train.optimizer.adam.lr=0.125"});
  const auto adam = std::get<AdamConfig>(config.train.optimizer);
  EXPECT_EQ(adam.lr, 0.125);
  EXPECT_EQ(adam.eps, 0.25);
}

TEST(Overrides, MakeWhatIsMissing) {
  EXPECT_EQ(with({"seed=3"}).seed, 3);
  EXPECT_EQ(with({"train.clip.norm=2"}).train.clip.norm, 2.0);
  EXPECT_EQ(with({"limits.max_bytes=2KiB"}).limits.max_bytes, 2048);
  const Config config =
      with({"data.validation=0.5", "train.early_stopping.patience=3"});
  EXPECT_EQ(config.train.early_stopping->patience, 3);
}

TEST(Overrides, TakeListsAndMaps) {
  const Config config = with({"model.layers.0.layer_sizes=[3, 4, 5]",
                              "train.schedule={cosine: {warmup: 2}}",
                              "train.class_weights=[1, 2]"});
  EXPECT_EQ(layer<AugmentConfig>(config, 0).layer_sizes,
            (std::vector<std::int64_t>{3, 4, 5}));
  EXPECT_EQ(std::get<CosineScheduleConfig>(config.train.schedule).warmup, 2);
  EXPECT_EQ(config.train.class_weights.values, (std::vector<double>{1, 2}));
}

TEST(Overrides, StepIntoLists) {
  const Config config =
      with({"model.layers.1.depth=3", "model.layers.1.signature.stream=false",
            "model.layers.0.layer_sizes.1=7", "model.layers.2.out=5"});
  EXPECT_EQ(layer<SignatureConfig>(config, 1).depth, 3);
  EXPECT_EQ(layer<AugmentConfig>(config, 0).layer_sizes[1], 7);
  EXPECT_EQ(layer<LinearConfig>(config, 2).out, 5);
}

TEST(Overrides, ReachANamedMapWithoutItsName) {
  const auto adam =
      std::get<AdamConfig>(with({"train.optimizer.lr=2"}).train.optimizer);
  EXPECT_EQ(adam.lr, 2);
  EXPECT_EQ(adam.eps, 0.25);
  const Config fresh =
      parse_config("data: {train: a.ts}\nmodel: {type: signet, depth: 2}\n",
                   "f.yaml", {"train.optimizer.lr=2", "seed=1"});
  EXPECT_EQ(std::get<AdamConfig>(fresh.train.optimizer).lr, 2);
}

TEST(Overrides, ReplaceANamedMap) {
  const auto sgd = std::get<SgdConfig>(
      with({"train.optimizer.sgd.momentum=0.5", "train.optimizer.lr=3"})
          .train.optimizer);
  EXPECT_EQ(sgd.momentum, 0.5);
  EXPECT_EQ(sgd.lr, 3);
  EXPECT_EQ(layer<DropoutConfig>(with({"model.layers.2.dropout.p=0.25"}), 2).p,
            0.25);
}

TEST(Overrides, NullTakesAKeyAway) {
  EXPECT_EQ(with({"train.clip.norm=1", "train.clip=none"}).train.clip,
            ClipConfig{});
  EXPECT_EQ(with({"train.clip.norm=1", "train.clip.norm=null"}).train.clip,
            ClipConfig{});
  EXPECT_FALSE(with({"data.test=b.ts", "data.test="}).data.test);
}

TEST(Overrides, TheLastOneWins) {
  EXPECT_EQ(with({"seed=1", "seed=2"}).seed, 2);
}

TEST(Overrides, HideFaultsOfWhatTheyReplace) {
  EXPECT_EQ(parse_config("seed: x\n" + kLayers, "f.yaml", {"seed=2"}).seed, 2);
}

using Grid = std::vector<std::vector<std::string>>;

TEST(Overrides, OfOneTextKnowNothingOfEachOther) {
  const ConfigText text(kLayers, "f.yaml");
  EXPECT_EQ(text.with({"seed=3"}), with({"seed=3"}));
  EXPECT_THROW(text.with({"seed=x"}), ConfigError);
  EXPECT_EQ(text.with({}), with({}));
}

TEST(Overrides, KeepTheFaultsOfTheirText) {
  const ConfigText text("data: {train: a.ts, train: b.ts}\n", "f.yaml");
  try {
    text.with({"seed=x"});
    FAIL() << "no error";
  } catch (const ConfigError& error) {
    ASSERT_EQ(error.lines().size(), 3u) << error.what();
    EXPECT_TRUE(error.lines()[1].starts_with("f.yaml:1:21: duplicate key"))
        << error.what();
    EXPECT_TRUE(error.lines()[2].starts_with("--set seed=x: ")) << error.what();
  }
}

TEST(Grid, IsTheProductOfTheLists) {
  EXPECT_EQ(expand_grid({}), Grid{{}});
  EXPECT_EQ(expand_grid({"seed=1"}), (Grid{{"seed=1"}}));
  EXPECT_EQ(expand_grid({"a=1,2", "b=x", "c=3,4"}),
            (Grid{{"a=1", "b=x", "c=3"},
                  {"a=1", "b=x", "c=4"},
                  {"a=2", "b=x", "c=3"},
                  {"a=2", "b=x", "c=4"}}));
}

TEST(Grid, CommasInsideBracketsAndQuotesDoNotSplit) {
  EXPECT_EQ(expand_grid({"a=[8, 8],[4],{x: 1, y: [2, 3]}"}),
            (Grid{{"a=[8, 8]"}, {"a=[4]"}, {"a={x: 1, y: [2, 3]}"}}));
  EXPECT_EQ(expand_grid({"a=\"b,c\",'d,e'"}),
            (Grid{{"a=\"b,c\""}, {"a='d,e'"}}));
}

TEST(Grid, RefusesWhatIsNoGrid) {
  for (const char* text : {"a", "=1", "a=", "a=1,,2", "a=1,"})
    EXPECT_THROW(expand_grid({text}), UsageError) << text;
  EXPECT_THROW(expand_grid({"a=1", "a=2"}), UsageError);
}

TEST(Grid, HasALargestSize) {
  std::string hundred = "=0";
  for (int i = 1; i < 100; ++i) hundred += "," + std::to_string(i);
  EXPECT_EQ(expand_grid({"a" + hundred, "b" + hundred}).size(), 10000);
  try {
    expand_grid({"a" + hundred, "b" + hundred, "c=1,2"});
    ADD_FAILURE() << "20000 settings";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "--set c: expected a grid of at most 10000 settings, got "
                 "10000 times 2");
  }
}

}  // namespace
}  // namespace sigtape
