#pragma once

// The depth-first walk over the words of a group of lanes, for one block of
// time: every node runs all steps of the block before the next node starts, so
// what a node and its children exchange stays in the first-level cache.

#include "sigtape/layers/signature/signature_leaves_simd.h"
#include "sigtape/layers/signature/signature_plan.h"
#include "sigtape/layers/signature/signature_stream_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// The block that is walked, and the state of the lanes.
template <class T>
struct Block {
  const cpu::SignaturePlan* plan;
  std::int64_t channels;
  int depth;
  std::int64_t split;

  std::int64_t steps;
  const Vec<T>* increments;         ///< [steps][d]
  const Vec<T>* prefix_increments;  ///< [Q], each [steps], stride below
  std::int64_t prefix_stride;
  Vec<T>* root;  ///< [N] 1, 1/2, .. 1/N
  Vec<T>* partials;
  std::int64_t partial_steps;  ///< steps the partials have room for
  Vec<T>* leaf_partials;
  Vec<T>* history;  ///< null unless stream

  const Vec<T>* low;  ///< low state before the block
  Vec<T>* low_after;  ///< after it; may be `low`
  Vec<T>* top;        ///< top level, or its cotangent in backward
  bool new_top;       ///< forward: the top level begins here, as zeros

  // Backward only.
  const Vec<T>* low_end;  ///< low state after the block
  Vec<T>* dlow;
  Vec<T>* dincrements;
  Vec<T>* dprefix_increments;
  Vec<T>* dpartials;
  bool prefix_walked;  ///< the sums of words up to the prefix are there
  /// The word of level N - 2 whose twig begins `dincrements`; negative: they
  /// are zeros.
  std::int64_t first_twig;

  StreamRows<T> stream;  ///< rows of the block's results or cotangents

  /// Siblings that a parent of level K - 1 has in a lane.
  SIGTAPE_INLINE std::int64_t children(int level) const {
    return level <= plan->prefix_levels ? 1 : channels;
  }
  /// Those of them that this task walks.
  SIGTAPE_INLINE WordRange letters(int level) const {
    if (plan->splits == 1 || level != plan->prefix_levels + 1)
      return {0, children(level)};
    const std::int64_t begin = plan->split_letter(split);
    return {begin, plan->split_letter(split + 1) - begin};
  }
  SIGTAPE_INLINE bool in_prefix(int level) const {
    return level <= plan->prefix_levels;
  }
  /// Where the sums of level K start in `partials`.
  SIGTAPE_INLINE std::int64_t partials_start(int level) const {
    std::int64_t sums = 0;
    for (int k = 1; k < level; ++k)
      sums += cpu::SignaturePlan::kMaxSiblings * (depth - k);
    return sums * partial_steps;
  }
};

/// The siblings from letter `first` on at `level`, word `word` of a lane.
template <class T>
SIGTAPE_INLINE Siblings<T> siblings_of(const Block<T>& block, int level,
                                       std::int64_t word, std::int64_t first,
                                       const Vec<T>* parent,
                                       std::int64_t parent_stride) {
  Siblings<T> nodes = {};
  const std::int64_t at = block.plan->level_start[level] + word;
  const bool prefix = block.in_prefix(level);
  nodes.steps = block.steps;
  nodes.state = block.low + at;
  nodes.increment =
      prefix ? block.prefix_increments + (level - 1) * block.prefix_stride
             : block.increments + first;
  nodes.increment_stride = prefix ? 1 : block.channels;
  nodes.parent = parent;
  nodes.parent_stride = parent_stride;
  nodes.sibling_stride = block.partial_steps * (block.depth - level);
  nodes.partials = block.partials + block.partials_start(level);
  return nodes;
}

/// The words of level N - 1 from letter `first` on and their leaves.
template <class T>
SIGTAPE_INLINE Leaves<T> leaves_of(const Block<T>& block, std::int64_t word,
                                   std::int64_t first, const Vec<T>* parent,
                                   std::int64_t parent_stride) {
  Leaves<T> leaves = {};
  const int level = block.depth - 1;
  const std::int64_t at = block.plan->level_start[level] + word;
  const bool prefix = block.in_prefix(level);
  leaves.steps = block.steps;
  leaves.channels = block.channels;
  leaves.state = block.low + at;
  leaves.leaves = block.top + word * block.channels;
  leaves.increment =
      prefix ? block.prefix_increments + (level - 1) * block.prefix_stride
             : block.increments + first;
  leaves.increment_stride = prefix ? 1 : block.channels;
  leaves.letters = block.increments;
  leaves.parent = parent;
  leaves.parent_stride = parent_stride;
  leaves.partials = block.leaf_partials;
  return leaves;
}

template <class T>
SIGTAPE_INLINE void stream_out(const Block<T>& block, int level,
                               std::int64_t word, std::int64_t count,
                               const Vec<T>* history) {
  block.stream.write(level, word, count, block.steps, history);
}

template <class T>
SIGTAPE_INLINE void stream_in(const Block<T>& block, int level,
                              std::int64_t word, int count, Vec<T>* history) {
  block.stream.read(level, word, count, block.steps, history);
}

template <class T, int M>
SIGTAPE_INLINE void leaves_with_history(const Block<T>& block,
                                        Leaves<T>& leaves, std::int64_t word) {
  leaves.history = block.history;
  leaves.leaf_history = block.history + M * block.steps;
  walk_leaves_any<T, M, true>(leaves);
  stream_out(block, block.depth - 1, word, M, leaves.history);
  stream_out(block, block.depth, word * block.channels, M * block.channels,
             leaves.leaf_history);
}

template <class T, int M>
SIGTAPE_INLINE void leaves_any(const Block<T>& block, std::int64_t word,
                               std::int64_t first, const Vec<T>* parent,
                               std::int64_t parent_stride) {
  Leaves<T> leaves = leaves_of(block, word, first, parent, parent_stride);
  leaves.state_after =
      block.low_after + block.plan->level_start[block.depth - 1] + word;
  if (block.history) {
    leaves_with_history<T, M>(block, leaves, word);
  } else {
    walk_leaves_any<T, M, false>(leaves);
  }
}

/// The family of leaves for a number of letters that has no tile of its own,
/// for a prefix, and for stream.
template <class T>
void family_of_any(const Block<T>& block, std::int64_t word,
                   const Vec<T>* parent, std::int64_t parent_stride) {
  std::int64_t count = block.children(block.depth - 1), i = 0;
  for (; i + 4 <= count; i += 4)
    leaves_any<T, 4>(block, word + i, i, parent, parent_stride);
  if (count - i == 3)
    leaves_any<T, 3>(block, word + i, i, parent, parent_stride);
  if (count - i == 2)
    leaves_any<T, 2>(block, word + i, i, parent, parent_stride);
  if (count - i == 1)
    leaves_any<T, 1>(block, word + i, i, parent, parent_stride);
}

/// A family of D words in tiles of M, the last one of what is left.
template <class T, int M, int D, int First = 0>
void family_of(const Block<T>& block, std::int64_t word, const Vec<T>* parent,
               std::int64_t parent_stride) {
  constexpr int kWords = D - First < M ? D - First : M;
  Leaves<T> leaves =
      leaves_of(block, word + First, First, parent, parent_stride);
  leaves.state_after =
      block.low_after + block.plan->level_start[block.depth - 1] + word + First;
  walk_leaves_tile<T, kWords, D, First>(leaves);
  if constexpr (First + kWords < D)
    family_of<T, M, D, First + kWords>(block, word, parent, parent_stride);
}

/// All words of level N - 1 below one parent, with their leaves.
template <class T>
void walk_family(const Block<T>& block, std::int64_t word, const Vec<T>* parent,
                 std::int64_t parent_stride) {
  if (block.history || block.in_prefix(block.depth - 1))
    return family_of_any(block, word, parent, parent_stride);
  // M (D + 1) sums and the words' increments fill the registers.
  constexpr bool kMany = SIGTAPE_VECTOR_BYTES == 64;
  switch (block.channels) {
    case 2:
      return family_of<T, 2, 2>(block, word, parent, parent_stride);
    case 3:
      return family_of<T, 3, 3>(block, word, parent, parent_stride);
    case 4:
      return family_of < T, kMany ? 4 : 2,
             4 > (block, word, parent, parent_stride);
    case 5:
      return family_of < T, kMany ? 3 : 2,
             5 > (block, word, parent, parent_stride);
    case 6:
      if constexpr (kMany)
        return family_of<T, 3, 6>(block, word, parent, parent_stride);
      break;
    case 7:
      if constexpr (kMany)
        return family_of<T, 3, 7>(block, word, parent, parent_stride);
      break;
    case 8:
      if constexpr (kMany)
        return family_of<T, 2, 8>(block, word, parent, parent_stride);
      break;
    default:
      break;
  }
  family_of_any(block, word, parent, parent_stride);
}

/// The twigs of siblings with the letters from `Letter` on; of one in a prefix
/// where that is negative.
template <class T, int D, int Letter, bool Root>
SIGTAPE_INLINE void twigs_from(Twig<T>& twig, Leaves<T>& leaves) {
  walk_twig<T, D, Letter, Root>(twig, leaves);
  if constexpr (Letter >= 0 && Letter + 1 < D) {
    ++twig.state;
    ++twig.state_after;
    leaves.state += D;
    leaves.state_after += D;
    leaves.leaves += D * D;
    twigs_from<T, D, Letter + 1, Root>(twig, leaves);
  }
}

/// The words of level N - 2 below one parent with all that is below them.
template <class T, int D>
SIGTAPE_INLINE void twigs_of(const Block<T>& block, std::int64_t word,
                             const Vec<T>* parent, std::int64_t parent_stride) {
  const int level = block.depth - 2;
  const std::int64_t* start = block.plan->level_start;
  const Siblings<T> node =
      siblings_of(block, level, word, 0, parent, parent_stride);
  Twig<T> twig = {};
  twig.state = node.state;
  twig.state_after = block.low_after + start[level] + word;
  twig.increment = node.increment;
  twig.increment_stride = node.increment_stride;
  twig.parent = parent;
  twig.parent_stride = parent_stride;
  Leaves<T> leaves = leaves_of(block, word * D, 0, parent, parent_stride);
  leaves.state_after = block.low_after + start[level + 1] + word * D;
  if (block.in_prefix(level)) return twigs_from<T, D, -1, false>(twig, leaves);
  if (level == 1) return twigs_from<T, D, 0, true>(twig, leaves);
  twigs_from<T, D, 0, false>(twig, leaves);
}

/// Words of level N - 2 with all that is below them, where that fits the
/// registers; false where it does not.
template <class T>
bool walk_twigs(const Block<T>& block, std::int64_t word, const Vec<T>* parent,
                std::int64_t parent_stride) {
  constexpr bool kManyRegisters = SIGTAPE_VECTOR_BYTES == 64;
  if (block.history || block.in_prefix(block.depth - 1)) return false;
  if (block.channels == 2) {
    twigs_of<T, 2>(block, word, parent, parent_stride);
  } else if (block.channels == 3) {
    twigs_of<T, 3>(block, word, parent, parent_stride);
  } else if (kManyRegisters && block.channels == 4) {
    if constexpr (kManyRegisters)
      twigs_of<T, 4>(block, word, parent, parent_stride);
  } else {
    return false;
  }
  return true;
}

/// Whether words of `level`, which have two letters, are walked with all that
/// is below them.
template <class T>
SIGTAPE_INLINE bool has_branches(const Block<T>& block, int level) {
  return SIGTAPE_VECTOR_BYTES == 64 && block.channels == 2 &&
         level == block.depth - 3 && !block.history &&
         !block.in_prefix(level + 1);
}

/// A word of level N - 3 as the root of a branch.
template <class T>
SIGTAPE_INLINE Twig<T> branch_of(const Block<T>& block, std::int64_t word,
                                 std::int64_t letter, const Vec<T>* parent,
                                 std::int64_t parent_stride) {
  const Siblings<T> node =
      siblings_of(block, block.depth - 3, word, letter, parent, parent_stride);
  Twig<T> branch = {};
  branch.state = node.state;
  branch.increment = node.increment;
  branch.increment_stride = node.increment_stride;
  branch.parent = parent;
  branch.parent_stride = parent_stride;
  return branch;
}

/// Words of level N - 3 with all that is below them, of two letters.
template <class T>
void walk_branches(const Block<T>& block, std::int64_t word,
                   const Vec<T>* parent, std::int64_t parent_stride) {
  const int level = block.depth - 3;
  const std::int64_t count = block.children(level);
  const std::int64_t* start = block.plan->level_start;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t at = word + i;
    Twig<T> branch = branch_of(block, at, i, parent, parent_stride);
    branch.state_after = block.low_after + start[level] + at;
    Leaves<T> leaves = leaves_of(block, 4 * at, 0, parent, parent_stride);
    leaves.state_after = block.low_after + start[level + 2] + 4 * at;
    walk_branch<T>(branch, block.low + start[level + 1] + 2 * at,
                   block.low_after + start[level + 1] + 2 * at, leaves);
  }
}

/// The level below whose words the top level is cleared: as low as the walk
/// gets before words are taken together with all that is below them.
template <class T>
SIGTAPE_INLINE int cleared_level(const Block<T>& block) {
  if (block.channels > 4) return block.depth - 1;
  if (block.depth > 3 && has_branches(block, block.depth - 3))
    return block.depth - 3;
  return block.depth > 2 ? block.depth - 2 : 1;
}

/// Zeros at the top level below the words of `level` that one parent has: right
/// before they are added to, so that they are in the nearest cache.
template <class T>
void clear_top(const Block<T>& block, int level, std::int64_t word) {
  std::int64_t below = 1;
  for (int k = level + 1; k <= block.depth; ++k) below *= block.children(k);
  __builtin_memset(block.top + word * below, 0,
                   block.children(level) * below * sizeof(Vec<T>));
}

template <class T>
void walk(const Block<T>& block, int level, std::int64_t word,
          const Vec<T>* parent, std::int64_t parent_stride);

/// Whether words of `level`, of two letters, are walked with their children:
/// the last two levels above the tiles.
template <class T>
SIGTAPE_INLINE bool has_forks(const Block<T>& block, int level) {
  return block.channels == 2 && level == block.depth - kForkHeight &&
         !block.history && !block.in_prefix(level + 1) &&
         (block.plan->splits == 1 || level > block.plan->prefix_levels + 1);
}

/// Words of `level` with their children, and what is below those.
template <class T>
void walk_forks(const Block<T>& block, int level, std::int64_t word,
                const Vec<T>* parent, std::int64_t parent_stride) {
  const std::int64_t* start = block.plan->level_start;
  const std::int64_t count = block.children(level);
  for (std::int64_t i = 0; i < count; ++i) {
    Siblings<T> node =
        siblings_of(block, level, word + i, i, parent, parent_stride);
    node.state_after = block.low_after + start[level] + word + i;
    const std::int64_t below = 2 * (word + i);
    Siblings<T> children =
        siblings_of<T>(block, level + 1, below, 0, nullptr, 0);
    children.state_after = block.low_after + start[level + 1] + below;
    walk_fork<T, kForkHeight>(node, children);
    for (int m = 0; m < 2; ++m)
      walk<T>(block, level + 2, 2 * (below + m),
              children.partials + m * children.sibling_stride, kForkHeight - 1);
  }
}

/// Moves all words of `level` below one parent, and everything below them,
/// through the block. `word` is the first of them in a lane.
template <class T>
void walk(const Block<T>& block, int level, std::int64_t word,
          const Vec<T>* parent, std::int64_t parent_stride) {
  if (block.new_top && level == cleared_level(block))
    clear_top(block, level, word);
  if (level == block.depth - 1)
    return walk_family(block, word, parent, parent_stride);
  if (has_branches(block, level))
    return walk_branches(block, word, parent, parent_stride);
  if (level == block.depth - 2 &&
      walk_twigs(block, word, parent, parent_stride))
    return;
  if (has_forks(block, level))
    return walk_forks(block, level, word, parent, parent_stride);
  const std::int64_t height = block.depth - level;
  const WordRange letters = block.letters(level);
  const std::int64_t end = letters.begin + letters.count;
  const std::int64_t below = block.children(level + 1);
  const int group = node_group(letters.count, height, block.history);
  for (std::int64_t i = letters.begin; i < end; i += group) {
    const int n = static_cast<int>(end - i < group ? end - i : group);
    Siblings<T> nodes =
        siblings_of(block, level, word + i, i, parent, parent_stride);
    nodes.state_after =
        block.low_after + block.plan->level_start[level] + word + i;
    nodes.history = block.history;
    walk_siblings(nodes, height, n);
    if (block.history) stream_out(block, level, word + i, n, nodes.history);
    for (int m = 0; m < n; ++m)
      walk(block, level + 1, (word + i + m) * below,
           nodes.partials + m * nodes.sibling_stride, height);
  }
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
