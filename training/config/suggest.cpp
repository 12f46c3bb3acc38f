#include "sigtape/training/config/suggest.h"

#include <algorithm>
#include <cctype>

namespace sigtape::config {
namespace {

std::string folded(std::string word) {
  for (char& c : word)
    c = c == '-'
            ? '_'
            : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return word;
}

std::size_t allowed_edits(std::size_t letters) {
  return letters <= 4 ? 1 : letters <= 7 ? 2 : 3;
}

// Smaller is nearer: edits first, then whether the ends agree.
std::size_t rank(const std::string& word, const std::string& candidate) {
  return 4 * edit_distance(word, candidate) +
         2 * (word.front() != candidate.front()) +
         (word.back() != candidate.back());
}

}  // namespace

std::size_t edit_distance(const std::string& left, const std::string& right) {
  const std::string a = folded(left), b = folded(right);
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> d((a.size() + 1) * width);
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      std::size_t& best = d[i * width + j];
      best = i == 0 ? j : j == 0 ? i : i + j;
      if (i == 0 || j == 0) continue;
      const std::size_t replaced = a[i - 1] != b[j - 1];
      best = std::min({d[(i - 1) * width + j] + 1, d[i * width + j - 1] + 1,
                       d[(i - 1) * width + j - 1] + replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = std::min(best, d[(i - 2) * width + j - 2] + 1);
    }
  }
  return d.back();
}

std::string nearest(const std::string& word,
                    const std::vector<std::string>& candidates) {
  std::string found;
  if (word.empty() || word.size() > 64) return found;
  for (const std::string& candidate : candidates) {
    const std::size_t letters = std::max(word.size(), candidate.size());
    const std::size_t fewer = std::min(word.size(), candidate.size());
    const std::size_t allowed = allowed_edits(letters);
    if (letters - fewer > allowed) continue;  // as many edits at least
    if (edit_distance(word, candidate) > allowed) continue;
    if (found.empty() || rank(word, candidate) < rank(word, found))
      found = candidate;
  }
  return found;
}

std::string did_you_mean(const std::string& word,
                         const std::vector<std::string>& candidates) {
  const std::string found = nearest(word, candidates);
  return found.empty() ? "" : "; did you mean '" + found + "'?";
}

}  // namespace sigtape::config
