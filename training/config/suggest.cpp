#include "sigtape/training/config/suggest.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace sigtape::config {
namespace {

char folded(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c == '-' ? '_' : c;
}

std::string folded(std::string word) {
  for (char& c : word) c = folded(c);
  return word;
}

std::size_t allowed_edits(std::size_t letters) {
  return letters <= 4 ? 1 : letters <= 7 ? 2 : 3;
}

// Smaller is nearer: edits first, then whether the ends agree.
std::size_t rank(std::size_t edits, const std::string& word,
                 const std::string& candidate) {
  return 4 * edits + 2 * (word.front() != candidate.front()) +
         (word.back() != candidate.back());
}

// The letters of a word, folded, as bits; some share one.
std::uint64_t letters_of(const std::string& word) {
  std::uint64_t letters = 0;
  for (const char c : word) letters |= std::uint64_t{1} << (folded(c) & 63);
  return letters;
}

// A bound from below of the distance: each letter that only one of the words
// has takes an edit.
std::size_t fewest_edits(std::uint64_t a, std::uint64_t b) {
  const int edits = std::max(std::popcount(a & ~b), std::popcount(b & ~a));
  return static_cast<std::size_t>(edits);
}

// Between folded words. Row i of the table holds the distances of the first i
// letters of `a` from all beginnings of `b`; three rows are kept.
std::size_t distance(const std::string& a, const std::string& b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> table(3 * width);
  const auto row = [&](std::size_t i) { return table.data() + i % 3 * width; };
  for (std::size_t j = 0; j < width; ++j) table[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t* best = row(i);
    const std::size_t *last = row(i - 1), *before = row(i + 1);
    best[0] = i;
    for (std::size_t j = 1; j < width; ++j) {
      const std::size_t replaced = a[i - 1] != b[j - 1];
      best[j] =
          std::min({last[j] + 1, best[j - 1] + 1, last[j - 1] + replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best[j] = std::min(best[j], before[j - 2] + 1);
    }
  }
  return row(a.size())[b.size()];
}

}  // namespace

std::size_t edit_distance(const std::string& a, const std::string& b) {
  return distance(folded(a), folded(b));
}

std::string nearest(const std::string& word,
                    const std::vector<std::string>& candidates) {
  std::string found;
  if (word.empty() || word.size() > 64) return found;
  const std::string wanted = folded(word);
  const std::uint64_t letters = letters_of(word);
  std::size_t found_rank = 0;
  for (const std::string& candidate : candidates) {
    const std::size_t longer = std::max(word.size(), candidate.size());
    const std::size_t shorter = std::min(word.size(), candidate.size());
    const std::size_t allowed = allowed_edits(longer);
    if (longer - shorter > allowed) continue;  // as many edits at least
    if (fewest_edits(letters, letters_of(candidate)) > allowed) continue;
    const std::size_t edits = distance(wanted, folded(candidate));
    if (edits > allowed) continue;
    const std::size_t new_rank = rank(edits, word, candidate);
    if (!found.empty() && new_rank >= found_rank) continue;
    found = candidate;
    found_rank = new_rank;
  }
  return found;
}

std::string did_you_mean(const std::string& word,
                         const std::vector<std::string>& candidates) {
  const std::string found = nearest(word, candidates);
  return found.empty() ? "" : "; did you mean '" + found + "'?";
}

}  // namespace sigtape::config
