// Damaged configurations end in a ConfigError or are read; nothing else happens
// (under a sanitizer: no fault inside the YAML library either).

#include <gtest/gtest.h>

#include <random>

#include "sigtape/training/config/load.h"

namespace sigtape {
namespace {

const std::string kText = R"(# a comment
seed: 7
data:
  train: {x: "x.npy", y: 'y.npy'}
  validation: 0.2
model:
  layers:
    - augment: {layer_sizes: [8, 8, 4], kernel_size: 4,
                name: augment1}
    - signature: {depth: 3, stream: true, basepoint: [0, 1e-3]}
    - last
    - linear:
        name: linear
train:
  optimizer:
    sgd: {lr: 0.1, momentum: 0.9}
)";

// What YAML gives a meaning to is drawn more often than other bytes.
char any_byte(std::mt19937& random) {
  const std::string special = "[]{},:-?&*!|>'\"%@`#\n\n  \\~<.\t\xff";
  if (random() % 4 == 0) return static_cast<char>(random() % 256);
  return special[random() % special.size()];
}

std::string damaged(std::string text, std::mt19937& random) {
  for (auto edits = 1 + random() % 4; edits > 0 && !text.empty(); --edits) {
    const std::size_t at = random() % text.size();
    switch (random() % 5) {
      case 0:
        text.erase(at, 1 + random() % 8);
        break;
      case 1:
        text.insert(at, 1, any_byte(random));
        break;
      case 2:
        text[at] = any_byte(random);
        break;
      case 3:
        text.insert(at, text.substr(random() % text.size(), random() % 20));
        break;
      default:
        text.resize(at);
    }
  }
  return text;
}

TEST(Mutations, EndInAnErrorOrAConfig) {
  std::mt19937 random(1);
  int read = 0, refused = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string text = damaged(kText, random);
    try {
      const Config config = parse_config(text, "f.yaml");
      EXPECT_EQ(parse_config(to_yaml(config), "f.yaml"), config) << text;
      ++read;
    } catch (const ConfigError& error) {
      EXPECT_FALSE(error.lines().empty());
      ++refused;
    }
  }
  EXPECT_GT(read, 100);
  EXPECT_GT(refused, 1000);
}

// Short texts of nothing but YAML's own characters.
TEST(Mutations, OfIndicatorsOnly) {
  const std::string letters = "[]{},:-?&*!|>'\"%#\n \\a1~<.";
  std::mt19937 random(2);
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (auto length = 1 + random() % 24; length > 0; --length)
      text += letters[random() % letters.size()];
    EXPECT_THROW(parse_config(text, "f.yaml"), ConfigError) << text;
  }
}

}  // namespace
}  // namespace sigtape
