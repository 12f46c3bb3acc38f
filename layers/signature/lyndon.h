#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sigtape/layers/signature/channels.h"

/// Words, and the Lyndon words among them: those that are smaller, letter by
/// letter, than all of their proper suffixes (Lyndon 1954). Their brackets are
/// a basis of the free Lie algebra, where logarithms of signatures live
/// (Reutenauer, "Free Lie Algebras", 1993). Letters are 0 .. channels - 1.
namespace sigtape {

/// Letters, the earliest in time first.
using Word = std::vector<std::int64_t>;

/// A letter, or the bracket [left, right] = left right - right left.
struct LyndonBracket {
  /// -1 for a bracket.
  std::int64_t letter = -1;
  /// Left and right; none for a letter.
  std::vector<LyndonBracket> parts = {};

  bool operator==(const LyndonBracket&) const = default;
};

/// "[0, [0, 1]]"
std::string to_string(const LyndonBracket& bracket);

/// The words of length 1 to `depth`, by length, then lexicographically: the
/// order of a signature's columns. Like all functions here, throws UsageError
/// when channels or depth is below 1 or the words cannot be counted.
std::vector<Word> all_words(std::int64_t channels, std::int64_t depth);

/// The Lyndon words of length 1 to `depth`, by length, then lexicographically:
/// the order of a log-signature's columns.
std::vector<Word> lyndon_words(std::int64_t channels, std::int64_t depth);

/// The bracket of each Lyndon word, in the same order: that of w = uv, with v
/// the longest proper suffix that is a Lyndon word, is [u's, v's].
std::vector<LyndonBracket> lyndon_brackets(std::int64_t channels,
                                           std::int64_t depth);

/// Number of Lyndon words of length 1 to `depth`, the columns of a
/// log-signature in the modes words and brackets: the sum over n of
/// (1/n) sum_{k|n} mu(n/k) channels^k (Witt 1937).
std::int64_t logsignature_channels(std::int64_t channels, std::int64_t depth);

}  // namespace sigtape
