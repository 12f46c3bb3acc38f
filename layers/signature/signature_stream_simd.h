#pragma once

// Between the rows of a [B, R, S] array and the lanes of a group.

#include "sigtape/layers/signature/signature_plan.h"
#include "sigtape/layers/signature/signature_rows_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// The pairs (piece, prefix) of a task, a piece being a path or, where the
/// plan cuts paths, a part of one. Lanes past the last pair repeat it.
template <class T>
struct Pairs {
  std::int64_t piece[lanes<T>()];
  std::int64_t path[lanes<T>()];   ///< the path that the piece is of
  std::int64_t first[lanes<T>()];  ///< the piece's first increment
  std::int64_t prefix[lanes<T>()];
  int real;            ///< lanes before the repeats
  std::int64_t split;  ///< of the group
};

template <class T>
SIGTAPE_INLINE Pairs<T> pairs_of_task(const cpu::SignaturePlan& plan,
                                      std::int64_t task) {
  Pairs<T> pairs;
  pairs.split = plan.splits == 1 ? 0 : task % plan.splits;
  const std::int64_t first = task / plan.splits * lanes<T>();
  const std::int64_t left = plan.pairs - first;
  pairs.real = left < lanes<T>() ? static_cast<int>(left) : lanes<T>();
  for (int lane = 0; lane < lanes<T>(); ++lane) {
    const std::int64_t pair =
        first + (lane < pairs.real ? lane : pairs.real - 1);
    const std::int64_t piece = plan.prefixes == 1 ? pair : pair / plan.prefixes;
    pairs.piece[lane] = piece;
    pairs.path[lane] = plan.pieces == 1 ? piece : piece / plan.pieces;
    pairs.first[lane] =
        plan.pieces == 1 ? 0 : plan.piece_begin(piece % plan.pieces);
    pairs.prefix[lane] = plan.prefixes == 1 ? 0 : pair % plan.prefixes;
  }
  return pairs;
}

SIGTAPE_INLINE std::int64_t spelt_backwards(std::int64_t word,
                                            std::int64_t channels, int level) {
  std::int64_t reversed = 0;
  for (int k = 0; k < level; ++k) {
    reversed = reversed * channels + word % channels;
    word /= channels;
  }
  return reversed;
}

/// Words begin .. begin + count - 1 of a level.
struct WordRange {
  std::int64_t begin, count;
};

/// The words of a lane's level that belong to a task of `split`.
SIGTAPE_INLINE WordRange words_of_task(const cpu::SignaturePlan& plan,
                                       std::int64_t split, int level) {
  const std::int64_t all = plan.level_words[level];
  if (plan.splits == 1 || level <= plan.prefix_levels) return {0, all};
  const std::int64_t of_letter = all / plan.level_words[plan.prefix_levels + 1];
  const std::int64_t begin = plan.split_letter(split) * of_letter;
  return {begin, plan.split_letter(split + 1) * of_letter - begin};
}

/// Rows of an array [B, R, S] as the lanes of a task see them; T may be
/// const. With `inverse` the words are those of the antipode: spelt backwards
/// and, in odd levels, negated.
template <class T, class Row>
struct LaneRows {
  const cpu::SignaturePlan* plan;
  std::int64_t channels;
  bool inverse;
  Pairs<T> pairs;
  Row* row[lanes<T>()];  ///< row 0 of the lane's piece

  SIGTAPE_INLINE T sign(int level) const {
    return inverse && level % 2 ? T(-1) : T(1);
  }

  /// Column of word `word` of a lane's level.
  SIGTAPE_INLINE std::int64_t column(int level, std::int64_t word,
                                     int lane) const {
    const int q = plan->prefix_levels;
    const std::int64_t prefix = pairs.prefix[lane];
    const std::int64_t column = plan->level_column[level];
    if (level <= q) {
      std::int64_t part = prefix;
      for (int k = level; k < q; ++k) part /= channels;
      return column + (inverse ? spelt_backwards(part, channels, level) : part);
    }
    if (!inverse) return column + prefix * plan->level_words[level] + word;
    return column +
           spelt_backwards(word, channels, level - q) * plan->prefixes +
           spelt_backwards(prefix, channels, q);
  }

  /// Whether the lane is the one that answers for its prefix of `level`
  /// letters, which several lanes and tasks hold.
  SIGTAPE_INLINE bool owns(int level, int lane) const {
    if (lane >= pairs.real || pairs.split > 0) return false;
    std::int64_t lanes_of_word = 1;
    for (int k = level; k < plan->prefix_levels; ++k) lanes_of_word *= channels;
    return pairs.prefix[lane] % lanes_of_word == 0;
  }

  /// Words word .. word + count - 1 of `level` to row `index`.
  SIGTAPE_INLINE void write(int level, std::int64_t word, std::int64_t count,
                            std::int64_t index, const Vec<T>* from) const {
    const std::int64_t offset = index * plan->columns;
    if (level > plan->prefix_levels && !inverse) {
      T* to[lanes<T>()];
      for (int lane = 0; lane < lanes<T>(); ++lane)
        to[lane] = row[lane] + offset + column(level, word, lane);
      return to_rows<T>(from, count, to);
    }
    const bool shared = level <= plan->prefix_levels;
    for (std::int64_t k = 0; k < count; ++k)
      for (int lane = 0; lane < lanes<T>(); ++lane)
        if (!shared || owns(level, lane))
          row[lane][offset + column(level, word + k, lane)] =
              sign(level) * from[k][lane];
  }

  /// The same from row `index`. `once`: of lanes that hold the same word all
  /// but one get 0, as cotangents must.
  SIGTAPE_INLINE void read(int level, std::int64_t word, std::int64_t count,
                           std::int64_t index, bool once, Vec<T>* to) const {
    const std::int64_t offset = index * plan->columns;
    if (level > plan->prefix_levels && !inverse) {
      const T* from[lanes<T>()];
      for (int lane = 0; lane < lanes<T>(); ++lane)
        from[lane] = row[lane] + offset + column(level, word, lane);
      return to_lanes<T>(from, count, to);
    }
    const bool shared = level <= plan->prefix_levels;
    for (std::int64_t k = 0; k < count; ++k)
      for (int lane = 0; lane < lanes<T>(); ++lane)
        to[k][lane] =
            once && shared && !owns(level, lane)
                ? T(0)
                : sign(level) *
                      row[lane][offset + column(level, word + k, lane)];
  }

  /// Whether a row's words of levels below the last are a lane's low state in
  /// its order, one piece of memory on both sides; with the last level, too,
  /// where its state follows.
  SIGTAPE_INLINE bool whole_rows() const {
    return plan->prefix_levels == 0 && plan->splits == 1 && !inverse;
  }

  /// All levels of row `index` to the lanes' state.
  void read_state(std::int64_t index, bool once, int depth, Vec<T>* low,
                  Vec<T>* top) const {
    if (whole_rows()) {
      if (top == low + plan->low_words)
        return read(1, 0, plan->low_words + plan->top_words, index, once, low);
      read(1, 0, plan->low_words, index, once, low);
      return read(depth, 0, plan->top_words, index, once, top);
    }
    for (int level = 1; level <= depth; ++level) {
      const WordRange words = words_of_task(*plan, pairs.split, level);
      Vec<T>* of_level = level == depth ? top : low + plan->level_start[level];
      read(level, words.begin, words.count, index, once,
           of_level + words.begin);
    }
  }

  /// The lanes' state, levels `first` to depth, to row `index`.
  void write_state(std::int64_t index, int first, int depth, const Vec<T>* low,
                   const Vec<T>* top) const {
    if (whole_rows()) {
      if (top == low + plan->low_words)
        return write(1, 0, plan->low_words + plan->top_words, index, low);
      write(1, 0, plan->low_words, index, low);
      return write(depth, 0, plan->top_words, index, top);
    }
    for (int level = first; level <= depth; ++level) {
      const WordRange words = words_of_task(*plan, pairs.split, level);
      const Vec<T>* of_level =
          level == depth ? top : low + plan->level_start[level];
      write(level, words.begin, words.count, index, of_level + words.begin);
    }
  }
};

/// The rows of a block's steps: results to write or cotangents to read.
template <class T>
struct StreamRows {
  const LaneRows<T, T>* results;
  const LaneRows<T, const T>* cotangents;
  std::int64_t first_row;

  /// history: [steps][count] vectors of words of `level`.
  SIGTAPE_INLINE void write(int level, std::int64_t word, std::int64_t count,
                            std::int64_t steps, const Vec<T>* history) const {
    for (std::int64_t t = 0; t < steps; ++t)
      results->write(level, word, count, first_row + t, history + t * count);
  }

  SIGTAPE_INLINE void read(int level, std::int64_t word, std::int64_t count,
                           std::int64_t steps, Vec<T>* history) const {
    for (std::int64_t t = 0; t < steps; ++t)
      cotangents->read(level, word, count, first_row + t, true,
                       history + t * count);
  }
};

}  // namespace sigtape::SIGTAPE_ISA_NAME
