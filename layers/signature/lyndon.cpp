#include "sigtape/layers/signature/lyndon.h"

#include <algorithm>

#include "sigtape/layers/signature/signature_words.h"

namespace sigtape {

namespace {

// The Moebius function.
int moebius(std::int64_t n) {
  int sign = 1;
  for (std::int64_t prime = 2; prime * prime <= n; ++prime) {
    if (n % prime) continue;
    n /= prime;
    if (n % prime == 0) return 0;
    sign = -sign;
  }
  return n > 1 ? -sign : sign;
}

// Lyndon words of exactly n letters.
std::int64_t count_lyndon(std::int64_t channels, std::int64_t n) {
  std::int64_t sum = 0;
  for (std::int64_t k = 1; k <= n; ++k)
    if (n % k == 0)
      sum += moebius(n / k) * words_of_level(channels, static_cast<int>(k));
  return sum / n;
}

bool is_lyndon(Word::const_iterator begin, Word::const_iterator end) {
  for (auto suffix = begin + 1; suffix != end; ++suffix)
    if (!std::lexicographical_compare(begin, end, suffix, end)) return false;
  return true;
}

LyndonBracket bracket_of(const Word& word) {
  if (word.size() == 1) return {word[0], {}};
  auto suffix = word.begin() + 1;
  while (!is_lyndon(suffix, word.end())) ++suffix;
  return {-1,
          {bracket_of(Word(word.begin(), suffix)),
           bracket_of(Word(suffix, word.end()))}};
}

// Longer words over one letter are no Lyndon words.
std::int64_t longest_lyndon(std::int64_t channels, std::int64_t depth) {
  return channels == 1 ? 1 : depth;
}

}  // namespace

std::string to_string(const LyndonBracket& bracket) {
  if (bracket.parts.empty()) return std::to_string(bracket.letter);
  return "[" + to_string(bracket.parts[0]) + ", " +
         to_string(bracket.parts[1]) + "]";
}

std::vector<Word> all_words(std::int64_t channels, std::int64_t depth) {
  std::vector<Word> words;
  words.reserve(signature_channels(channels, depth));
  for (std::int64_t letter = 0; letter < channels; ++letter)
    words.push_back({letter});
  for (std::size_t prefix = 0; std::ssize(words[prefix]) < depth; ++prefix)
    for (std::int64_t letter = 0; letter < channels; ++letter) {
      Word word = words[prefix];
      word.push_back(letter);
      words.push_back(std::move(word));
    }
  return words;
}

std::vector<Word> lyndon_words(std::int64_t channels, std::int64_t depth) {
  std::vector<Word> words;
  words.reserve(logsignature_channels(channels, depth));
  const auto longest =
      static_cast<std::size_t>(longest_lyndon(channels, depth));
  // Duval 1988: lexicographic, without a list of anything else.
  for (Word word = {-1}; !word.empty();) {
    ++word.back();
    words.push_back(word);
    for (std::size_t k = 0; word.size() < longest; ++k) word.push_back(word[k]);
    while (!word.empty() && word.back() == channels - 1) word.pop_back();
  }
  std::stable_sort(
      words.begin(), words.end(),
      [](const Word& a, const Word& b) { return a.size() < b.size(); });
  return words;
}

std::vector<LyndonBracket> lyndon_brackets(std::int64_t channels,
                                           std::int64_t depth) {
  const std::vector<Word> words = lyndon_words(channels, depth);
  std::vector<LyndonBracket> brackets(words.size());
  std::transform(words.begin(), words.end(), brackets.begin(), bracket_of);
  return brackets;
}

std::int64_t logsignature_channels(std::int64_t channels, std::int64_t depth) {
  signature_channels(channels, depth);  // throws where words cannot be counted
  std::int64_t sum = 0;
  for (std::int64_t n = 1; n <= longest_lyndon(channels, depth); ++n)
    sum += count_lyndon(channels, n);
  return sum;
}

}  // namespace sigtape
