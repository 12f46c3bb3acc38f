// Words, Lyndon words and their brackets, against Signatory's lists and the
// definition.
#include "sigtape/layers/signature/lyndon.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sigtape/layers/signature/logsignature.h"
#include "support/battery.h"
#include "support/source_dir.h"

namespace sigtape::test {
namespace {

TEST(Lyndon, AgreesWithSignatory) {
  std::ifstream file(source_path("tests/reference/lyndon.json"));
  const auto lists = nlohmann::json::parse(file);
  ASSERT_EQ(lists.size(), 3u);
  for (const auto& [key, list] : lists.items()) {
    SCOPED_TRACE(key);
    const std::int64_t channels = key.at(0) - '0', depth = key.at(2) - '0';
    EXPECT_EQ(nlohmann::json(lyndon_words(channels, depth)), list.at("words"));
    nlohmann::json brackets;
    for (const LyndonBracket& bracket : lyndon_brackets(channels, depth))
      brackets.push_back(nlohmann::json::parse(to_string(bracket)));
    EXPECT_EQ(brackets, list.at("brackets"));
    EXPECT_EQ(logsignature_channels(channels, depth),
              std::ssize(list.at("words")));
  }
}

TEST(Lyndon, AllWordsAreInTheOrderOfASignature) {
  EXPECT_EQ(all_words(2, 2),
            (std::vector<Word>{{0}, {1}, {0, 0}, {0, 1}, {1, 0}, {1, 1}}));
  for (const auto& [channels, depth] :
       {std::pair{1, 4}, {2, 5}, {3, 3}, {5, 1}}) {
    const std::vector<Word> words = all_words(channels, depth);
    EXPECT_EQ(std::ssize(words), signature_channels(channels, depth));
    EXPECT_TRUE(std::is_sorted(
        words.begin(), words.end(), [](const Word& a, const Word& b) {
          return a.size() != b.size() ? a.size() < b.size() : a < b;
        }));
  }
}

// Smaller than all of its rotations: another definition than the library's.
bool is_smallest_rotation(const Word& word) {
  for (std::size_t k = 1; k < word.size(); ++k) {
    Word rotated = word;
    std::rotate(rotated.begin(), rotated.begin() + k, rotated.end());
    if (rotated <= word) return false;
  }
  return true;
}

TEST(Lyndon, WordsAreThoseSmallerThanTheirRotations) {
  for (const auto& [channels, depth] :
       {std::pair{1, 5}, {2, 9}, {3, 6}, {4, 4}, {7, 3}}) {
    std::vector<Word> expected;
    for (const Word& word : all_words(channels, depth))
      if (is_smallest_rotation(word)) expected.push_back(word);
    EXPECT_EQ(lyndon_words(channels, depth), expected);
    EXPECT_EQ(logsignature_channels(channels, depth), std::ssize(expected));
    EXPECT_EQ(lyndon_brackets(channels, depth).size(), expected.size());
  }
}

TEST(Lyndon, CountsColumnsOfLargeSizes) {
  EXPECT_EQ(logsignature_channels(2, 20), 111013);  // OEIS A001037, summed
  EXPECT_EQ(logsignature_channels(1, 1000), 1);
  EXPECT_EQ(logsignature_columns(3, 2, LogSignatureMode::expand), 12);
  EXPECT_EQ(logsignature_columns(3, 2, LogSignatureMode::words), 6);
}

TEST(Lyndon, RefusesSizesThatAreNone) {
  expect_error([] { lyndon_words(0, 2); }, {"at least 1 channel", "got 0"});
  expect_error([] { lyndon_brackets(2, 0); }, {"depth >= 1", "got 0"});
  expect_error([] { all_words(-1, 2); }, {"at least 1 channel", "got -1"});
  expect_error([] { logsignature_channels(10, 40); }, {"largest depth is"});
}

}  // namespace
}  // namespace sigtape::test
