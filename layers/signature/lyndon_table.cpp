#include "sigtape/layers/signature/lyndon_table.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <tuple>
#include <utility>
#include <vector>

#include "sigtape/framework/check.h"
#include "sigtape/layers/signature/lyndon.h"
#include "sigtape/layers/signature/signature_words.h"

namespace sigtape {

namespace {

// A polynomial in words of one length: (word, coefficient), words as numbers
// with base `channels`, in rising order.
using Terms = std::vector<std::pair<std::int64_t, std::int64_t>>;

struct OwnedRows {
  std::vector<std::int64_t> begin = {0}, column;
  std::vector<double> coefficient;

  void add(std::int64_t at, std::int64_t value) {
    column.push_back(at);
    coefficient.push_back(static_cast<double>(value));
  }
  void end_row() { begin.push_back(std::ssize(column)); }
  // Null where no row was made.
  SparseRows view() const {
    if (begin.size() == 1) return {};
    return {begin.data(), column.data(), coefficient.data()};
  }
};

// One entry of a matrix before it is sorted into rows.
struct Entry {
  std::int64_t row, column, coefficient;
};

OwnedRows sorted_rows(std::vector<Entry> entries, std::int64_t rows) {
  std::stable_sort(
      entries.begin(), entries.end(),
      [](const Entry& a, const Entry& b) { return a.row < b.row; });
  OwnedRows result;
  auto entry = entries.begin();
  for (std::int64_t row = 0; row < rows; ++row) {
    for (; entry != entries.end() && entry->row == row; ++entry)
      result.add(entry->column, entry->coefficient);
    result.end_row();
  }
  return result;
}

Terms product(const Terms& a, const Terms& b, std::int64_t words_of_b) {
  Terms terms;
  terms.reserve(a.size() * b.size());
  for (const auto& [u, x] : a)
    for (const auto& [v, y] : b) terms.emplace_back(u * words_of_b + v, x * y);
  return terms;  // rising, as a and b are
}

// a - b
Terms difference(const Terms& a, const Terms& b) {
  Terms terms;
  auto next = b.begin();
  const auto subtract_below = [&](std::int64_t word) {
    for (; next != b.end() && next->first < word; ++next)
      terms.emplace_back(next->first, -next->second);
  };
  for (const auto& [word, value] : a) {
    subtract_below(word);
    const bool both = next != b.end() && next->first == word;
    const std::int64_t left = value - (both ? (next++)->second : 0);
    if (left) terms.emplace_back(word, left);
  }
  for (; next != b.end(); ++next)
    terms.emplace_back(next->first, -next->second);
  return terms;
}

class OwnedTable {
 public:
  OwnedTable(std::int64_t channels, std::int64_t depth, LyndonMaps maps)
      : channels_(channels),
        depth_(depth),
        words_(lyndon_words(channels, depth)) {
    split_begin_.push_back(0);
    for (const Word& word : words_) add_word(word);
    if (maps != LyndonMaps::words) add_brackets(maps == LyndonMaps::expansion);
  }

  LyndonTable view() const {
    return {std::ssize(column_),       column_.data(),
            split_begin_.data(),       splits_.data(),
            words_of_brackets_.view(), signature_of_brackets_.view()};
  }

 private:
  std::int64_t number(const Word& word, std::size_t from,
                      std::size_t to) const {
    std::int64_t value = 0;
    for (std::size_t k = from; k < to; ++k) value = value * channels_ + word[k];
    return value;
  }
  std::int64_t column(const Word& word, std::size_t from,
                      std::size_t to) const {
    return level_offset(channels_, static_cast<std::int64_t>(to - from)) +
           number(word, from, to);
  }

  void add_word(const Word& word) {
    column_.push_back(column(word, 0, word.size()));
    for (std::size_t k = 1; k < word.size(); ++k)
      splits_.push_back({column(word, 0, k), column(word, k, word.size())});
    split_begin_.push_back(std::ssize(splits_));
  }

  // The Lyndon word in this column, or -1.
  std::int64_t index_of(std::int64_t column) const {
    const auto at = std::lower_bound(column_.begin(), column_.end(), column);
    return at != column_.end() && *at == column ? at - column_.begin() : -1;
  }

  // The bracket of Lyndon word i from those of shorter ones.
  Terms expand(std::int64_t i, const std::vector<Terms>& shorter) const {
    if (words_[i].size() == 1) return {{words_[i][0], 1}};
    // The first split whose suffix is a Lyndon word is the longest suffix.
    std::int64_t k = split_begin_[i], suffix = -1;
    while ((suffix = index_of(splits_[k].suffix)) < 0) ++k;
    const std::int64_t prefix = index_of(splits_[k].prefix);
    const Terms &u = shorter[prefix], &v = shorter[suffix];
    const auto words = [&](std::int64_t of) {
      return words_of_level(channels_, static_cast<int>(words_[of].size()));
    };
    return difference(product(u, v, words(suffix)),
                      product(v, u, words(prefix)));
  }

  void add_brackets(bool expansion) {
    std::vector<Terms> shorter;
    std::vector<Entry> words, all;
    for (std::int64_t i = 0; i < std::ssize(words_); ++i) {
      Terms terms = expand(i, shorter);
      const std::int64_t level = level_offset(channels_, std::ssize(words_[i]));
      for (const auto& [word, coefficient] : terms) {
        if (expansion) all.push_back({level + word, i, coefficient});
        const std::int64_t row = index_of(level + word);
        if (row >= 0 && row != i) words.push_back({row, i, coefficient});
      }
      if (std::ssize(words_[i]) < depth_) shorter.push_back(std::move(terms));
    }
    words_of_brackets_ = sorted_rows(std::move(words), std::ssize(words_));
    if (expansion)
      signature_of_brackets_ =
          sorted_rows(std::move(all), signature_channels(channels_, depth_));
  }

  std::int64_t channels_, depth_;
  std::vector<Word> words_;
  std::vector<std::int64_t> column_, split_begin_;
  std::vector<WordSplit> splits_;
  OwnedRows words_of_brackets_, signature_of_brackets_;
};

}  // namespace

const LyndonTable& lyndon_table(std::int64_t channels, std::int64_t depth,
                                LyndonMaps maps) {
  struct Entry {
    std::unique_ptr<const OwnedTable> owner;
    LyndonTable table;
  };
  using Key = std::tuple<std::int64_t, std::int64_t, LyndonMaps>;
  static std::mutex mutex;
  static auto& tables = *new std::map<Key, Entry>;
  const std::lock_guard lock(mutex);
  try {
    Entry& entry = tables[{channels, depth, maps}];
    if (!entry.owner) {
      entry.owner = std::make_unique<OwnedTable>(channels, depth, maps);
      entry.table = entry.owner->view();
    }
    return entry.table;
  } catch (const std::bad_alloc&) {
    fail<MemoryError>("logsignature: no memory for the tables of ", channels,
                      " channels and depth ", depth);
  }
}

}  // namespace sigtape
