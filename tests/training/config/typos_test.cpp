// One-letter typos of keys: every one an error at its place, nearly all with
// the right suggestion.

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>

#include "sigtape/training/config/load.h"
#include "sigtape/training/config/schema.h"
#include "sigtape/training/config/suggest.h"
#include "sigtape/training/config/yaml_reader.h"

namespace sigtape {
namespace {

const std::array<std::string, 3> kConfigs = {
    R"(seed: 7
device: auto
dtype: float32
data:
  train: a.ts
  test: b.ts
  validation: 0.2
  format: ts
  shuffle: true
  normalise: standard
  missing: error
  short: pad
model:
  type: signet2
  depth: 3
  out: 4
train:
  epochs: 100
  batch_size: 20
  loss: cross_entropy
  optimizer: {adamw: {lr: 0.003, betas: [0.9, 0.99], eps: 1e-8, weight_decay: 0}}
  schedule: {cosine: {warmup: 5, minimum: 0.0001}}
  clip: {norm: 1.0}
  early_stopping: {patience: 20}
  class_weights: balanced
  label_smoothing: 0.1
  checkpoint_every: 1
  log_every: 0
  on_nan: stop
limits: {max_bytes: auto}
run_dir: runs/a
)",
    R"(seed: 7
data:
  train: {x: x.npy, y: y.npy}
  validation: v.ts
model:
  layers:
    - augment: {layer_sizes: [8, 8, 4], kernel_size: 4, stride: 1, padding: 0, dilation: 1, bias: true, activation: tanh, include_original: true, include_time: true, name: augment1}
    - signature: {depth: 3, stream: true, basepoint: true}
    - augment: {layer_sizes: [8, 4], kernel_size: 4, include_original: false}
    - signature: {depth: 3, stream: true, basepoint: zero, inverse: false, scalar_term: true}
    - logsignature: {depth: 2, mode: expand, stream: false, basepoint: true, inverse: true}
    - layer_norm: {eps: 1e-6}
    - leaky_relu: {slope: 0.1}
    - dropout: {p: 0.1}
    - linear: {out: 4, bias: false, name: linear}
train:
  optimizer: {sgd: {lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0}}
  schedule: {plateau: {factor: 0.5, patience: 3}}
  clip: {value: 1}
)",
    R"(data:
  train: {random: {cases: 10, length: 20, channels: 3, outputs: 2}}
  normalise: none
model:
  layers:
    - softplus: {name: a}
    - sigmoid: {name: b}
    - gelu: {name: c}
    - relu: {name: d}
    - tanh: {name: e}
    - mean: {name: f}
    - linear: {name: g}
train:
  epochs: 3
  optimizer: {adam: {lr: 0.1, betas: [0.9, 0.99]}}
  schedule: {step: {every: 10, factor: 0.5}}
)"};

struct Key {
  std::string word;
  config::Place place;
};

void collect(const config::Node& node, std::vector<Key>& keys) {
  for (const config::Entry& entry : node.entries) {
    keys.push_back({entry.key, entry.place});
    collect(entry.value, keys);
  }
  for (const config::Node& item : node.items) collect(item, keys);
}

void collect_words(const config::Section& section,
                   std::set<std::string>& words) {
  words.insert(section.tag);
  for (const config::Field& field : section.fields) {
    words.insert(field.key);
    for (const config::Section* below : field.sections)
      collect_words(*below, words);
  }
}

std::string with_typo(std::string word, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return random() % n; };
  const char letter = static_cast<char>('a' + below(26));
  const std::size_t at = below(word.size());
  switch (below(4)) {
    case 0:
      return word.erase(at, 1);
    case 1:
      return word.insert(at + below(2), 1, letter);
    case 2:
      word[at] = letter;
      return word;
    default:
      if (at + 1 < word.size()) std::swap(word[at], word[at + 1]);
      return word;
  }
}

std::string replaced(std::string text, const Key& key,
                     const std::string& word) {
  std::size_t line_start = 0;
  for (int line = 1; line < key.place.line; ++line)
    line_start = text.find('\n', line_start) + 1;
  const auto at = line_start + static_cast<std::size_t>(key.place.column) - 1;
  EXPECT_EQ(text.substr(at, key.word.size()), key.word);
  return text.replace(at, key.word.size(), word);
}

// The line of the error that stands at `place`; fails where there is none.
std::string line_at(const std::string& text, const config::Place& place) {
  const std::string start = "f.yaml:" + std::to_string(place.line) + ":" +
                            std::to_string(place.column) + ": unknown ";
  try {
    parse_config(text, "f.yaml");
  } catch (const ConfigError& error) {
    for (const std::string& line : error.lines())
      if (line.starts_with(start)) return line;
    ADD_FAILURE() << "nothing at " << start << " in\n" << error.what();
    return "";
  }
  ADD_FAILURE() << "no error in\n" << text;
  return "";
}

TEST(Typos, AreSuggestedRight) {
  std::set<std::string> words;
  collect_words(config::schema(), words);
  std::mt19937 random(20);
  int wrong = 0;
  std::string misses;
  for (int tried = 0; tried < 200;) {
    const std::string& text = kConfigs[random() % kConfigs.size()];
    ASSERT_NO_THROW(parse_config(text, "f.yaml"));
    config::Problems problems("f.yaml", {});
    std::vector<Key> keys;
    collect(config::read_yaml(text, 0, problems), keys);
    const Key& key = keys[random() % keys.size()];
    const std::string typo = with_typo(key.word, random);
    if (typo.empty() || words.count(typo)) continue;
    ++tried;
    const std::string line = line_at(replaced(text, key, typo), key.place);
    if (line.find("'" + typo + "'") == std::string::npos ||
        !line.ends_with("; did you mean '" + key.word + "'?")) {
      ++wrong;
      misses += key.word + ": " + line + "\n";
    }
  }
  EXPECT_LE(wrong, 10) << misses;
  RecordProperty("wrong", wrong);
}

TEST(Typos, DistanceCountsEdits) {
  const auto distance = config::edit_distance;
  EXPECT_EQ(distance("", ""), 0u);
  EXPECT_EQ(distance("", "abc"), 3u);
  EXPECT_EQ(distance("depth", "dept"), 1u);
  EXPECT_EQ(distance("train", "trian"), 1u);
  EXPECT_EQ(distance("ca", "abc"), 3u);
  EXPECT_EQ(distance("kitten", "sitting"), 3u);
  EXPECT_EQ(distance("Batch-Size", "batch_size"), 0u);
}

TEST(Typos, OnlyNearWordsAreMeant) {
  const std::vector<std::string> words = {"lr", "eps", "betas"};
  EXPECT_EQ(config::nearest("rl", words), "lr");
  EXPECT_EQ(config::nearest("bats", words), "betas");
  EXPECT_EQ(config::nearest("momentum", words), "");
  EXPECT_EQ(config::nearest("", words), "");
  EXPECT_EQ(config::nearest(std::string(100000, 'a'), words), "");
}

}  // namespace
}  // namespace sigtape
