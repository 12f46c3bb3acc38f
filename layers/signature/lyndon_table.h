#pragma once

#include <cstdint>

/// The linear maps between the coordinates of log-signatures, as raw arrays
/// for kernels. Columns of a signature are counted without a scalar term.
namespace sigtape {

/// Rows of integers with few entries: row r has coefficient[k] in column[k]
/// for k from begin[r] to begin[r + 1] - 1.
struct SparseRows {
  const std::int64_t* begin = nullptr;
  const std::int64_t* column = nullptr;
  /// Integers, exact below 2^53.
  const double* coefficient = nullptr;
};

/// One way of cutting a word in two: the columns of prefix and suffix.
struct WordSplit {
  std::int64_t prefix = 0;
  std::int64_t suffix = 0;
};

/// The Lyndon words of length 1 to `depth` over `channels` letters, i = 0 ..
/// count - 1, by length, then lexicographically.
struct LyndonTable {
  std::int64_t count = 0;
  /// [count] the column of each in a signature.
  const std::int64_t* column = nullptr;
  /// [count + 1] where its length - 1 splits begin, the shortest prefix first.
  const std::int64_t* split_begin = nullptr;
  const WordSplit* splits = nullptr;
  /// [count] rows of A less its diagonal of ones: words = A brackets. Row v
  /// has the coefficients of the word v in the brackets of smaller words. From
  /// LyndonMaps::brackets on.
  SparseRows words_of_brackets;
  /// [S] rows: the coefficient of every word in each bracket. Only with
  /// LyndonMaps::expansion: they have by far the most entries.
  SparseRows signature_of_brackets;
};

/// How much of a table is wanted; each has all of those before.
enum class LyndonMaps { words, brackets, expansion };

/// The table of (channels, depth), with these maps. Built once for the whole
/// process, at the first call, and never freed; may be called by several
/// threads. Sizes are those that signature_channels accepts. Throws MemoryError
/// where there is no room.
const LyndonTable& lyndon_table(std::int64_t channels, std::int64_t depth,
                                LyndonMaps maps);

}  // namespace sigtape
