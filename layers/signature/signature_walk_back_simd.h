#pragma once

// The adjoint of the walk for one block of time: on the way down the partial
// sums are computed once more from the checkpointed state, on the way up the
// cotangents of a node's sums become those of its parent's.

#include "sigtape/layers/signature/signature_twigs_back_simd.h"
#include "sigtape/layers/signature/signature_walk_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// Whose turn it is among a parent's children.
SIGTAPE_INLINE ParentShare share_of_child(int level, std::int64_t child) {
  if (level == 1) return ParentShare::none;
  return child == 0 ? ParentShare::overwrite : ParentShare::add;
}

/// The cotangents' side of `leaves_of`.
template <class T>
SIGTAPE_INLINE Leaves<T> leaves_back_of(const Block<T>& block,
                                        std::int64_t word, std::int64_t first,
                                        const Vec<T>* parent,
                                        std::int64_t parent_stride,
                                        Vec<T>* dparent) {
  const int level = block.depth - 1;
  Leaves<T> leaves = leaves_of(block, word, first, parent, parent_stride);
  leaves.dstate = block.dlow + block.plan->level_start[level] + word;
  leaves.dincrement =
      block.in_prefix(level)
          ? block.dprefix_increments + (level - 1) * block.prefix_stride
          : block.dincrements + first;
  leaves.dletters = block.dincrements;
  leaves.dparent = dparent;
  return leaves;
}

template <class T, int M, int D, bool History>
SIGTAPE_INLINE void leaves_back_share(const Leaves<T>& leaves,
                                      ParentShare share) {
  if (share == ParentShare::none)
    return walk_leaves_back<T, M, D, ParentShare::none, History>(leaves);
  if (share == ParentShare::overwrite)
    return walk_leaves_back<T, M, D, ParentShare::overwrite, History>(leaves);
  walk_leaves_back<T, M, D, ParentShare::add, History>(leaves);
}

/// One tile of M words of the family.
template <class T, int M, int D>
SIGTAPE_INLINE void leaves_back(const Block<T>& block, std::int64_t word,
                                std::int64_t first, const Vec<T>* parent,
                                std::int64_t parent_stride, Vec<T>* dparent) {
  Leaves<T> leaves = leaves_back_of(block, word + first, first, parent,
                                    parent_stride, dparent);
  const ParentShare share = share_of_child(block.depth - 1, first);
  if constexpr (D == 0) {
    if (block.history) {
      leaves.history = block.history;
      leaves.leaf_history = block.history + M * block.steps;
      stream_in(block, block.depth - 1, word + first, M, leaves.history);
      stream_in(block, block.depth, (word + first) * block.channels,
                M * block.channels, leaves.leaf_history);
      return leaves_back_share<T, M, 0, true>(leaves, share);
    }
  }
  leaves_back_share<T, M, D, false>(leaves, share);
}

/// A family in tiles of M words from the states after the block, the last tile
/// of what is left.
template <class T, int M, int D, int First = 0>
void family_back_from_end(const Block<T>& block, std::int64_t word,
                          const Vec<T>* parent, std::int64_t parent_stride,
                          Vec<T>* dparent) {
  constexpr int kWords = D - First < M ? D - First : M;
  Leaves<T> leaves = leaves_back_of(block, word + First, First, parent,
                                    parent_stride, dparent);
  leaves.state =
      block.low_end + block.plan->level_start[block.depth - 1] + word + First;
  walk_leaves_tile_back<T, kWords, D, First>(leaves);
  if constexpr (First + kWords < D)
    family_back_from_end<T, M, D, First + kWords>(block, word, parent,
                                                  parent_stride, dparent);
}

/// A family whose words are one tile, from the states after the block.
template <class T, int D>
void whole_family_back(const Block<T>& block, std::int64_t word,
                       const Vec<T>* parent, std::int64_t parent_stride,
                       Vec<T>* dparent) {
  Leaves<T> leaves =
      leaves_back_of(block, word, 0, parent, parent_stride, dparent);
  leaves.state =
      block.low_end + block.plan->level_start[block.depth - 1] + word;
  walk_leaves_family_back<T, D>(leaves);
}

/// A family in tiles of M words, the last one of `D % M`.
template <class T, int M, int D>
void family_back(const Block<T>& block, std::int64_t word, const Vec<T>* parent,
                 std::int64_t parent_stride, Vec<T>* dparent) {
  std::int64_t i = 0;
  for (; i + M <= D; i += M)
    leaves_back<T, M, D>(block, word, i, parent, parent_stride, dparent);
  if constexpr (D % M != 0)
    leaves_back<T, D % M, D>(block, word, i, parent, parent_stride, dparent);
}

template <class T>
void family_back_any(const Block<T>& block, std::int64_t word,
                     const Vec<T>* parent, std::int64_t parent_stride,
                     Vec<T>* dparent) {
  const std::int64_t count = block.children(block.depth - 1);
  std::int64_t i = 0;
  for (; i + 4 <= count; i += 4)
    leaves_back<T, 4, 0>(block, word, i, parent, parent_stride, dparent);
  if (count - i == 3)
    leaves_back<T, 3, 0>(block, word, i, parent, parent_stride, dparent);
  if (count - i == 2)
    leaves_back<T, 2, 0>(block, word, i, parent, parent_stride, dparent);
  if (count - i == 1)
    leaves_back<T, 1, 0>(block, word, i, parent, parent_stride, dparent);
}

template <class T>
void walk_family_back(const Block<T>& block, std::int64_t word,
                      const Vec<T>* parent, std::int64_t parent_stride,
                      Vec<T>* dparent) {
  constexpr bool kMany = SIGTAPE_VECTOR_BYTES == 64;
  if (!block.history && !block.in_prefix(block.depth - 1)) {
    switch (block.channels) {
      case 2:
        return family_back<T, 2, 2>(block, word, parent, parent_stride,
                                    dparent);
      case 3:
        return family_back<T, 3, 3>(block, word, parent, parent_stride,
                                    dparent);
      case 4:
        return family_back<T, 4, 4>(block, word, parent, parent_stride,
                                    dparent);
      case 5:
        if constexpr (kMany)
          if (block.depth > 2)
            return whole_family_back<T, 5>(block, word, parent, parent_stride,
                                           dparent);
        return family_back<T, 5, 5>(block, word, parent, parent_stride,
                                    dparent);
      case 6:
        if constexpr (kMany)
          if (block.depth > 2)
            return whole_family_back<T, 6>(block, word, parent, parent_stride,
                                           dparent);
        return family_back<T, 3, 6>(block, word, parent, parent_stride,
                                    dparent);
      case 7:
        if constexpr (kMany)
          if (block.depth > 2)
            return whole_family_back<T, 7>(block, word, parent, parent_stride,
                                           dparent);
        break;
      case 8:
        if constexpr (kMany)
          if (block.depth > 2)
            return whole_family_back<T, 8>(block, word, parent, parent_stride,
                                           dparent);
        break;
      case 10:
        if constexpr (kMany)
          if (block.depth > 2)
            return family_back_from_end<T, 2, 10>(block, word, parent,
                                                  parent_stride, dparent);
        break;
      default:
        break;
    }
  }
  family_back_any(block, word, parent, parent_stride, dparent);
}

/// The adjoint of `twigs_from`, which starts with the first letter.
template <class T, int D, int Letter, bool Root, bool First>
SIGTAPE_INLINE void twigs_back_from(Twig<T>& twig, Leaves<T>& leaves) {
  constexpr ParentShare kShare = Root          ? ParentShare::none
                                 : Letter <= 0 ? ParentShare::overwrite
                                               : ParentShare::add;
  walk_twig_back<T, D, Letter, kShare, First>(twig, leaves);
  if constexpr (Letter >= 0 && Letter + 1 < D) {
    ++twig.state;
    ++twig.dstate;
    leaves.state += D;
    leaves.dstate += D;
    leaves.leaves += D * D;
    twigs_back_from<T, D, Letter + 1, Root, false>(twig, leaves);
  }
}

template <class T, int D>
SIGTAPE_INLINE void twigs_back_of(const Block<T>& block, std::int64_t word,
                                  const Vec<T>* parent,
                                  std::int64_t parent_stride, Vec<T>* dparent) {
  const int level = block.depth - 2;
  const std::int64_t* start = block.plan->level_start;
  const bool prefix = block.in_prefix(level);
  const Siblings<T> node =
      siblings_of(block, level, word, 0, parent, parent_stride);
  Twig<T> twig = {};
  twig.state = block.low_end + start[level] + word;
  twig.increment = node.increment;
  twig.increment_stride = node.increment_stride;
  twig.parent = parent;
  twig.parent_stride = parent_stride;
  twig.dstate = block.dlow + start[level] + word;
  twig.dincrement =
      prefix ? block.dprefix_increments + (level - 1) * block.prefix_stride
             : block.dincrements;
  twig.dparent = dparent;
  Leaves<T> leaves =
      leaves_back_of<T>(block, word * D, 0, parent, parent_stride, nullptr);
  leaves.state = block.low_end + start[level + 1] + word * D;
  if (prefix && level == 1)
    return twigs_back_from<T, D, -1, true, false>(twig, leaves);
  if (prefix) return twigs_back_from<T, D, -1, false, false>(twig, leaves);
  constexpr bool kFirst = D > 2;
  if (level == 1) return twigs_back_from<T, D, 0, true, kFirst>(twig, leaves);
  if (word == block.first_twig)
    return twigs_back_from<T, D, 0, false, kFirst>(twig, leaves);
  twigs_back_from<T, D, 0, false, false>(twig, leaves);
}

/// Whether the walk begins with a twig that writes the cotangents of all
/// increments.
template <class T>
SIGTAPE_INLINE bool begins_with_twig(const Block<T>& block) {
  return SIGTAPE_VECTOR_BYTES == 64 && !block.history && block.depth > 2 &&
         (block.channels == 3 || block.channels == 4) &&
         !block.in_prefix(block.depth - 2);
}

/// The adjoint of `walk_twigs`.
template <class T>
bool walk_twigs_back(const Block<T>& block, std::int64_t word,
                     const Vec<T>* parent, std::int64_t parent_stride,
                     Vec<T>* dparent) {
  if constexpr (SIGTAPE_VECTOR_BYTES != 64) return false;
  if (block.history || block.in_prefix(block.depth - 1)) return false;
  if (block.channels == 2) {
    twigs_back_of<T, 2>(block, word, parent, parent_stride, dparent);
  } else if (block.channels == 3) {
    twigs_back_of<T, 3>(block, word, parent, parent_stride, dparent);
  } else if (block.channels == 4) {
    twigs_back_of<T, 4>(block, word, parent, parent_stride, dparent);
  } else {
    return false;
  }
  return true;
}

template <class T>
SIGTAPE_INLINE void branch_back(const Block<T>& block, std::int64_t word,
                                std::int64_t letter, const Vec<T>* parent,
                                std::int64_t parent_stride, Vec<T>* dparent) {
  const int level = block.depth - 3;
  const std::int64_t* start = block.plan->level_start;
  const bool prefix = block.in_prefix(level);
  Twig<T> branch = branch_of(block, word, letter, parent, parent_stride);
  branch.state = block.low_end + start[level] + word;
  branch.dstate = block.dlow + start[level] + word;
  branch.dincrement =
      prefix ? block.dprefix_increments + (level - 1) * block.prefix_stride
             : block.dincrements + letter;
  branch.dparent = dparent;
  Leaves<T> leaves =
      leaves_back_of<T>(block, 4 * word, 0, parent, parent_stride, nullptr);
  leaves.state = block.low_end + start[level + 2] + 4 * word;
  const Vec<T>* child = block.low_end + start[level + 1] + 2 * word;
  Vec<T>* dchild = block.dlow + start[level + 1] + 2 * word;
  if (level == 1)
    return walk_branch_back<T, -1, ParentShare::none>(branch, child, dchild,
                                                      leaves);
  if (prefix)
    return walk_branch_back<T, -1, ParentShare::overwrite>(branch, child,
                                                           dchild, leaves);
  if (letter == 0)
    return walk_branch_back<T, 0, ParentShare::overwrite>(branch, child, dchild,
                                                          leaves);
  walk_branch_back<T, 1, ParentShare::add>(branch, child, dchild, leaves);
}

/// The adjoint of `walk_branches`.
template <class T>
void walk_branches_back(const Block<T>& block, std::int64_t word,
                        const Vec<T>* parent, std::int64_t parent_stride,
                        Vec<T>* dparent) {
  const std::int64_t count = block.children(block.depth - 3);
  for (std::int64_t i = 0; i < count; ++i)
    branch_back(block, word + i, i, parent, parent_stride, dparent);
}

template <class T>
SIGTAPE_INLINE void siblings_back(const Siblings<T>& nodes, std::int64_t height,
                                  int count, ParentShare share) {
  if (share == ParentShare::none)
    return walk_siblings_back<T, ParentShare::none>(nodes, height, count);
  if (share == ParentShare::overwrite)
    return walk_siblings_back<T, ParentShare::overwrite>(nodes, height, count);
  walk_siblings_back<T, ParentShare::add>(nodes, height, count);
}

/// The adjoint of `walk`; writes dparent, the cotangents of the parent's sums.
template <class T>
void walk_back(const Block<T>& block, int level, std::int64_t word,
               const Vec<T>* parent, std::int64_t parent_stride,
               Vec<T>* dparent) {
  if (level == block.depth - 1)
    return walk_family_back(block, word, parent, parent_stride, dparent);
  if constexpr (SIGTAPE_VECTOR_BYTES == 64)
    if (has_branches(block, level))
      return walk_branches_back(block, word, parent, parent_stride, dparent);
  if (level == block.depth - 2 &&
      walk_twigs_back(block, word, parent, parent_stride, dparent))
    return;
  const std::int64_t height = block.depth - level;
  const WordRange letters = block.letters(level);
  const std::int64_t end = letters.begin + letters.count;
  const std::int64_t below = block.children(level + 1);
  const int group = node_group(letters.count, height, block.history);
  Vec<T>* dpartials = block.dpartials + block.partials_start(level);
  for (std::int64_t i = letters.begin; i < end; i += group) {
    const int n = static_cast<int>(end - i < group ? end - i : group);
    Siblings<T> nodes =
        siblings_of(block, level, word + i, i, parent, parent_stride);
    if (!block.prefix_walked || !block.in_prefix(level))
      walk_siblings(nodes, height, n);
    for (int m = 0; m < n; ++m)
      walk_back(block, level + 1, (word + i + m) * below,
                nodes.partials + m * nodes.sibling_stride, height,
                dpartials + m * nodes.sibling_stride);
    nodes.dstate = block.dlow + block.plan->level_start[level] + word + i;
    nodes.dincrement =
        block.in_prefix(level)
            ? block.dprefix_increments + (level - 1) * block.prefix_stride
            : block.dincrements + i;
    nodes.dparent = dparent;
    nodes.dpartials = dpartials;
    if (block.history) {
      nodes.history = block.history;
      stream_in(block, level, word + i, n, nodes.history);
    }
    siblings_back(nodes, height, n, share_of_child(level, i - letters.begin));
  }
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
