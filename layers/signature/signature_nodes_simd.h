#pragma once

// Words of the levels up to depth - 2. A node is one word; its siblings differ
// in the last letter. For a block of time a node takes the Horner partial sums
// of its parent,
//
//   parent[t][k], k = 0..H: the sum g of level K - 1 that goes into level
//   K + k, divided by k + 1,
//
// and the increments d of its last letter, and writes its own,
//
//   partials[t][k - 1] = (S + parent[t][k] d) / k, k = 1..H,   H = depth - K,
//
// while its state moves on, S <- S + parent[t][0] d.

#include "sigtape/framework/simd/vec.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// What the cotangent of a parent's sums does with a child's share.
enum class ParentShare { none, overwrite, add };

/// M siblings and a block of `steps` increments; all arrays are vectors.
template <class T>
struct Siblings {
  std::int64_t steps;
  const Vec<T>* state;      ///< [M] before the block
  Vec<T>* state_after;      ///< [M]; may be `state`; null: not wanted
  const Vec<T>* increment;  ///< [steps], stride below; siblings follow
  std::int64_t increment_stride;
  const Vec<T>* parent;         ///< [steps][H + 1], stride below
  std::int64_t parent_stride;   ///< 0 for words of level 1
  Vec<T>* partials;             ///< [M][steps][H]
  std::int64_t sibling_stride;  ///< vectors between siblings' partials
  Vec<T>* history;  ///< [steps] states or cotangents of one word; or null

  // Backward only.
  Vec<T>* dstate;           ///< [M], after the block; left: before it
  Vec<T>* dincrement;       ///< as increment; added to
  Vec<T>* dparent;          ///< [steps][H + 1]
  const Vec<T>* dpartials;  ///< as partials
};

/// The reciprocals 1, 1/2, .. of levels.
template <class T>
SIGTAPE_INLINE Vec<T> divided(Vec<T> v, std::int64_t by) {
  return by == 1 ? v : v * broadcast(T(1) / static_cast<T>(by));
}

/// The sums of a parent of level 0, 1, 1/2, .. 1 / (H + 1), which do not
/// change.
template <class T, int H>
SIGTAPE_INLINE void root_sums(Vec<T> (&sum)[H + 1]) {
  SIGTAPE_UNROLL for (int k = 0; k <= H; ++k) sum[k] =
      broadcast(T(1) / static_cast<T>(k + 1));
}

/// Writes partials and state_after for M siblings of height H. `Root`: they are
/// of level 1.
template <class T, int H, int M, bool Root>
SIGTAPE_KERNEL void walk_nodes(const Siblings<T>& nodes) {
  Vec<T> state[M];
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m) state[m] = nodes.state[m];
  const Vec<T>* __restrict increment = nodes.increment;
  const Vec<T>* __restrict parent = nodes.parent;
  Vec<T>* __restrict partials = nodes.partials;
  const std::int64_t stride = nodes.sibling_stride;
  Vec<T> sum[H + 1];
  root_sums<T, H>(sum);
  for (std::int64_t t = 0; t < nodes.steps; ++t) {
    if constexpr (!Root)
      SIGTAPE_UNROLL for (int k = 0; k <= H; ++k) sum[k] =
          in_register(parent[k]);
    SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
      const Vec<T> d = in_register(increment[m]);
      SIGTAPE_UNROLL for (int k = 1; k <= H; ++k) partials[m * stride + k - 1] =
          divided<T>(state[m] + sum[k] * d, k);
      state[m] += Root ? d : sum[0] * d;
    }
    increment += nodes.increment_stride;
    parent += nodes.parent_stride;
    partials += H;
  }
  if (!nodes.state_after) return;
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m) nodes.state_after[m] = state[m];
}

/// The same for one word of any height, and its states into `history`.
template <class T>
SIGTAPE_KERNEL void walk_node(const Siblings<T>& node, std::int64_t height) {
  Vec<T> state = *node.state;
  for (std::int64_t t = 0; t < node.steps; ++t) {
    const Vec<T> d = node.increment[t * node.increment_stride];
    const Vec<T>* parent = node.parent + t * node.parent_stride;
    Vec<T>* __restrict partials = node.partials + t * height;
    for (std::int64_t k = 1; k <= height; ++k)
      partials[k - 1] = divided<T>(state + parent[k] * d, k);
    state += parent[0] * d;
    if (node.history) node.history[t] = state;
  }
  if (node.state_after) *node.state_after = state;
}

/// A word of height H and its two children, whose sums alone are stored; the
/// word's are their parent's. `children` has the children's states, increments
/// and partials.
template <class T, int H>
SIGTAPE_KERNEL void walk_fork(const Siblings<T>& word,
                              const Siblings<T>& children) {
  Vec<T> state = *word.state;
  Vec<T> child[2] = {children.state[0], children.state[1]};
  const Vec<T>* __restrict increment = word.increment;
  const Vec<T>* __restrict letters = children.increment;
  const Vec<T>* __restrict parent = word.parent;
  Vec<T>* __restrict partials = children.partials;
  const std::int64_t stride = children.sibling_stride;
  for (std::int64_t t = 0; t < word.steps; ++t) {
    const Vec<T> d = in_register(*increment);
    Vec<T> sum[H];
    SIGTAPE_UNROLL for (int k = 1; k <= H; ++k) sum[k - 1] =
        divided<T>(state + parent[k] * d, k);
    state += parent[0] * d;
    SIGTAPE_UNROLL for (int m = 0; m < 2; ++m) {
      const Vec<T> e = in_register(letters[m]);
      SIGTAPE_UNROLL for (int k = 1; k < H; ++k) partials[m * stride + k - 1] =
          divided<T>(child[m] + sum[k] * e, k);
      child[m] += sum[0] * e;
    }
    increment += word.increment_stride;
    letters += children.increment_stride;
    parent += word.parent_stride;
    partials += H - 1;
  }
  *word.state_after = state;
  SIGTAPE_UNROLL for (int m = 0; m < 2; ++m) children.state_after[m] = child[m];
}

/// The adjoint: from the cotangents of partials and of the state after the
/// block to those of the state before it, of increments and of the parent's
/// sums. Words of level 1 give no share.
template <class T, int H, int M, ParentShare Share>
SIGTAPE_KERNEL void walk_nodes_back(const Siblings<T>& nodes) {
  Vec<T> dstate[M];
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m) dstate[m] = nodes.dstate[m];
  const std::int64_t last = nodes.steps - 1;
  const Vec<T>* __restrict increment =
      nodes.increment + last * nodes.increment_stride;
  Vec<T>* __restrict dincrement =
      nodes.dincrement + last * nodes.increment_stride;
  const Vec<T>* __restrict parent = nodes.parent + last * nodes.parent_stride;
  Vec<T>* __restrict dparent = nodes.dparent + last * (H + 1);
  const Vec<T>* __restrict dpartials = nodes.dpartials + last * H;
  const std::int64_t stride = nodes.sibling_stride;
  constexpr bool kRoot = Share == ParentShare::none;
  Vec<T> sum[H + 1];
  root_sums<T, H>(sum);
  for (std::int64_t t = last; t >= 0; --t) {
    Vec<T> share[H + 1];
    SIGTAPE_UNROLL for (int k = 0; k <= H; ++k) {
      if constexpr (!kRoot) sum[k] = in_register(parent[k]);
      share[k] = Share == ParentShare::add ? dparent[k] : Vec<T>{};
    }
    SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
      const Vec<T> d = in_register(increment[m]);
      Vec<T> dd = dincrement[m] + (kRoot ? dstate[m] : dstate[m] * sum[0]);
      share[0] += dstate[m] * d;
      // A word on its own would wait for H additions to its state every step.
      constexpr bool kApart = M <= 2 && H > 3;
      Vec<T> own = {};
      SIGTAPE_UNROLL for (int k = 1; k <= H; ++k) {
        const Vec<T> h =
            in_register(divided<T>(dpartials[m * stride + k - 1], k));
        Vec<T>& all = kApart ? own : dstate[m];
        all = kApart && k == 1 ? h : all + h;
        share[k] += h * d;
        dd += h * sum[k];
      }
      if constexpr (kApart) dstate[m] += own;
      dincrement[m] = dd;
    }
    if constexpr (Share != ParentShare::none) {
      SIGTAPE_UNROLL for (int k = 0; k <= H; ++k) dparent[k] = share[k];
    }
    increment -= nodes.increment_stride;
    dincrement -= nodes.increment_stride;
    parent -= nodes.parent_stride;
    dparent -= H + 1;
    dpartials -= H;
  }
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m) nodes.dstate[m] = dstate[m];
}

/// The same for one word of any height; `history` holds cotangents of the
/// state after each step, or is null.
template <class T, ParentShare Share>
SIGTAPE_KERNEL void walk_node_back(const Siblings<T>& node,
                                   std::int64_t height) {
  Vec<T> dstate = *node.dstate;
  for (std::int64_t t = node.steps - 1; t >= 0; --t) {
    if (node.history) dstate += node.history[t];
    const Vec<T> d = node.increment[t * node.increment_stride];
    const Vec<T>* parent = node.parent + t * node.parent_stride;
    const Vec<T>* dpartials = node.dpartials + t * height;
    Vec<T>* __restrict dparent = node.dparent + t * (height + 1);
    auto give = [&](std::int64_t k, Vec<T> share) {
      if constexpr (Share == ParentShare::overwrite) dparent[k] = share;
      if constexpr (Share == ParentShare::add) dparent[k] += share;
    };
    Vec<T> dd = dstate * parent[0];
    give(0, dstate * d);
    for (std::int64_t k = 1; k <= height; ++k) {
      const Vec<T> h = divided<T>(dpartials[k - 1], k);
      dstate += h;
      give(k, h * d);
      dd += h * parent[k];
    }
    node.dincrement[t * node.increment_stride] += dd;
  }
  *node.dstate = dstate;
}

/// Greater heights run one word at a time with the height a variable: they are
/// a small part of the work.
constexpr int kMaxNodeHeight = 5;
/// One level more of one word, as in prefixes, and of two.
constexpr int kMaxPairHeight = 6;

/// Height of a word that is walked with its two children: theirs is that of
/// the lowest words that are not part of a tile.
constexpr int kForkHeight = SIGTAPE_VECTOR_BYTES == 64 ? 5 : 4;

/// Siblings that are walked together: a family in equal parts.
SIGTAPE_INLINE int node_group(std::int64_t children, std::int64_t height,
                              bool history) {
  const int highest = children == 2 ? kMaxPairHeight : kMaxNodeHeight;
  if (history || height > highest) return 1;
  const std::int64_t parts = (children + 3) / 4;
  return static_cast<int>((children + parts - 1) / parts);
}

template <class T, int H, int M>
SIGTAPE_INLINE void walk_nodes_below(const Siblings<T>& nodes) {
  if (nodes.parent_stride == 0) return walk_nodes<T, H, M, true>(nodes);
  walk_nodes<T, H, M, false>(nodes);
}

template <class T, int H>
SIGTAPE_INLINE void walk_nodes_of_height(const Siblings<T>& nodes, int count) {
  if (count == 4) return walk_nodes_below<T, H, 4>(nodes);
  if (count == 3) return walk_nodes_below<T, H, 3>(nodes);
  if (count == 2) return walk_nodes_below<T, H, 2>(nodes);
  walk_nodes_below<T, H, 1>(nodes);
}

/// The walk of `count` siblings of any height >= 2, 1 where there is history.
template <class T>
void walk_siblings(const Siblings<T>& nodes, std::int64_t height, int count) {
  if (nodes.history) return walk_node<T>(nodes, height);
  if (height == 2) return walk_nodes_of_height<T, 2>(nodes, count);
  if (height == 3) return walk_nodes_of_height<T, 3>(nodes, count);
  if (height == 4) return walk_nodes_of_height<T, 4>(nodes, count);
  if (height == 5) return walk_nodes_of_height<T, 5>(nodes, count);
  if (height > kMaxPairHeight) return walk_node<T>(nodes, height);
  if (count == 2) return walk_nodes_below<T, kMaxPairHeight, 2>(nodes);
  walk_nodes_below<T, kMaxPairHeight, 1>(nodes);
}

template <class T, int H, ParentShare Share>
SIGTAPE_INLINE void walk_nodes_back_of_height(const Siblings<T>& nodes,
                                              int count) {
  if (count == 4) return walk_nodes_back<T, H, 4, Share>(nodes);
  if (count == 3) return walk_nodes_back<T, H, 3, Share>(nodes);
  if (count == 2) return walk_nodes_back<T, H, 2, Share>(nodes);
  walk_nodes_back<T, H, 1, Share>(nodes);
}

/// The adjoint of `walk_siblings`.
template <class T, ParentShare Share>
void walk_siblings_back(const Siblings<T>& nodes, std::int64_t height,
                        int count) {
  if (nodes.history) return walk_node_back<T, Share>(nodes, height);
  if (height == 2) return walk_nodes_back_of_height<T, 2, Share>(nodes, count);
  if (height == 3) return walk_nodes_back_of_height<T, 3, Share>(nodes, count);
  if (height == 4) return walk_nodes_back_of_height<T, 4, Share>(nodes, count);
  if (height == 5) return walk_nodes_back_of_height<T, 5, Share>(nodes, count);
  if (height > kMaxPairHeight) return walk_node_back<T, Share>(nodes, height);
  if (count == 2) return walk_nodes_back<T, kMaxPairHeight, 2, Share>(nodes);
  walk_nodes_back<T, kMaxPairHeight, 1, Share>(nodes);
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
