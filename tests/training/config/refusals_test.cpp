// Rare faults of configurations: the bytes, what yaml-cpp would accept, and
// words that nearly fit.
#include <gtest/gtest.h>

#include "training/config/broken_case.h"

namespace sigtape::test {
namespace {

std::string refusal(const std::string& yaml,
                    const std::vector<std::string>& overrides = {}) {
  try {
    parse_config(yaml, "f.yaml", overrides);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

void expect_refusal(const std::string& yaml, const std::string& part) {
  EXPECT_NE(refusal(yaml).find(part), std::string::npos) << yaml << "\n"
                                                         << refusal(yaml);
}

// Overlong forms, surrogates, numbers beyond Unicode, sequences cut off.
TEST(Refusals, BytesThatAreNoUtf8) {
  for (const char* bytes :
       {"\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
        "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5",
        "\xc0\x80", "\x80", "\xe2\x82", "\xf0\x9f\x98"}) {
    expect_refusal(kHead + "run_dir: a" + bytes + "b\n", "f.yaml:3:");
  }
  for (const char* bytes : {"\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                            "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(refusal(kHead + "run_dir: a" + bytes + "b\n"), "") << bytes;
  }
}

TEST(Refusals, ControlCharacters) {
  expect_refusal(kHead + "run_dir: a\x7f\n", "f.yaml:3:");
  expect_refusal(kHead + "run_dir: a\x01\n", "f.yaml:3:");
}

TEST(Refusals, ASecondDocument) {
  expect_refusal("---\n" + kHead + "---\nseed: 1\n", "second document");
  expect_refusal(kHead + "...\n" + kHead, "f.yaml:");
  EXPECT_EQ(refusal("---\n" + kHead), "");
}

TEST(Refusals, AnchorsAliasesAndTags) {
  expect_refusal(kHead + "seed: &a 1\n", "f.yaml:3:");
  expect_refusal(kHead + "seed: *a\n", "f.yaml:3:");
  expect_refusal(kHead + "seed: !!int 1\n", "f.yaml:3:");
  expect_refusal(kHead + "data: {<<: {train: b.ts}}\n", "f.yaml:3:");
}

TEST(Refusals, NestingAndSize) {
  expect_refusal(
      kHead + "seed: " + std::string(200, '[') + std::string(200, ']') + "\n",
      "nest");
  expect_refusal(kHead + "# " + std::string(1 << 21, 'x') + "\n", "f.yaml");
}

TEST(Refusals, WordsThatNearlyFit) {
  const auto shuffle = [](const std::string& word) {
    return "data: {train: a.ts, shuffle: " + word +
           "}\nmodel: {type: signet, depth: 2}\n";
  };
  for (const char* yes : {"yes", "on", "Yes", "\"true\""})
    EXPECT_NE(refusal(shuffle(yes)), "") << yes;
  expect_refusal(shuffle("no"), "write false");
  expect_refusal(shuffle("off"), "write false");
  expect_refusal(shuffle("FALSE"), "write false");
  expect_refusal(shuffle("yes"), "write true");
  expect_refusal(shuffle("ON"), "write true");
  EXPECT_EQ(refusal(shuffle("maybe")).find("write"), std::string::npos);
  for (const char* device :
       {"cuda:", "cuda:x", "cuda:+1", "cuda:123456", "gpu", "cuda:01"})
    expect_refusal(kHead + "device: " + device + "\n", "f.yaml:3:");
  for (const char* device : {"auto", "cpu", "cuda", "cuda:0", "cuda:7"})
    EXPECT_EQ(refusal(kHead + "device: " + device + "\n"), "") << device;
}

TEST(Refusals, ControlCharactersThatQuotesWrite) {
  for (const char* text : {R"("a\x7fb")", R"("a\x1fb")", R"("a\nb")"})
    expect_refusal(kHead + "run_dir: " + text + "\n", "f.yaml:3:");
}

TEST(Refusals, PointsThatEndNoDocument) {
  for (const char* line : {"...a", "....", "--", "---a"})
    expect_refusal(kHead + line + "\n", "f.yaml:");
}

// The middle of a long value is not for a message.
TEST(Refusals, LongValuesAreCut) {
  const std::string message =
      refusal(kHead + "seed: " + std::string(500, 'x') + "\n");
  EXPECT_NE(message.find("x...'"), std::string::npos) << message;
  EXPECT_LT(message.size(), 400u);
}

TEST(Refusals, NamesOfLayers) {
  const auto named = [](const std::string& name) {
    return kData + "model: {layers: [last: , linear: {name: " + name + "}]}\n";
  };
  EXPECT_EQ(refusal(named("a.b-c_1")), "");
  for (const std::string& name :
       {std::string("\"\""), std::string(".a"), std::string("a."),
        std::string("\"a b\""), std::string("a/b"), std::string(300, 'a')}) {
    expect_refusal(named(name), "f.yaml:2:");
  }
}

TEST(Refusals, WindowsOfIntervals) {
  const auto window = [](const std::string& settings) {
    return kData + "model: {layers: [window: {kind: intervals, depth: 2, " +
           settings + "}, flatten: , linear: ]}\n";
  };
  EXPECT_EQ(refusal(window("starts: [0, 2], ends: [3, 5]")), "");
  expect_refusal(window("starts: [0, 2], ends: [3]"),
                 "as many ends as starts, 2, got 1");
}

TEST(Refusals, OverridesThatNameNothing) {
  const std::vector<std::string> wrong = {"model.layers.9.depth=2",
                                          "model.layers.-1.depth=2",
                                          "model.layers.x.depth=2",
                                          "seed",
                                          "=1",
                                          "seed.a=1",
                                          "train.optimizer.none.lr=1",
                                          "data.train.file.path=a",
                                          ".seed=1",
                                          "seed.=1"};
  for (const std::string& text : wrong)
    EXPECT_NE(refusal(kHead, {text}), "") << text;
  EXPECT_EQ(refusal(kHead, {"train.optimizer.adam.lr=1"}), "");
}

// A key of generators where the source is none of them.
TEST(Refusals, KeysOfOtherSources) {
  expect_refusal("data: {train: {cases: 4}}\nmodel: {type: signet, depth: 2}\n",
                 "f.yaml:1:");
  expect_refusal(
      "data: {train: {x: a.npy, y: b.npy, speed: [1]}}\nmodel: {type: signet, "
      "depth: 2}\n",
      "key 'speed' belongs to a generator");
  expect_refusal(
      "data: {train: {fbm: {cases: 4, length: 5, speed: 1}}}\nmodel: {type: "
      "signet, depth: 2}\n",
      "f.yaml:1:");
  expect_refusal(
      "data: {train: {ornstein_uhlenbeck: {cases: 4, length: 5, volatility: "
      "[1, 2]}}}\nmodel: {type: signet, depth: 2}\n",
      "f.yaml:1:");
}

}  // namespace
}  // namespace sigtape::test
