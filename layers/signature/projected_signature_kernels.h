#pragma once

#include <cstddef>
#include <cstdint>

#include "sigtape/framework/dispatch.h"

/// Signatures of chosen words only. The prefixes of the words are a tree, and
/// Horner's scheme along it takes, for each increment,
///
///   V_p^k = S_p + V_(parent of p)^k dx_(last letter of p) / (k - |p| + 1)
///
/// for every prefix p and every level k from its own, |p|, to that of the
/// longest word below it: one multiply-add each. V_p^|p| is the new S_p.
namespace sigtape {

/// A node of the tree, in the order of a walk that visits a node before its
/// children, and its children one after another: leaves first, then the taller
/// ones before the lower.
struct WordNode {
  std::int32_t letter = 0;
  /// The node after this one and all below it.
  std::int32_t end = 0;
  /// Number among the nodes that are no leaves; -1 for a leaf.
  std::int32_t inner = 0;
  /// Children without children: the nodes that follow.
  std::int32_t leaves = 0;
  /// Levels of longer words below: 0 for a leaf.
  std::uint8_t height = 0;
  /// Whether no node from here down has two children.
  bool single = false;
  /// Children of a node whose children all have one leaf and nothing else
  /// below, if there are 2 to 4; else 0.
  std::uint8_t stalks = 0;
  /// Twins among the children whose letters are those of their leaves, if there
  /// is nothing else below but at most two leaves or one more twig whose leaves
  /// have some of these letters; else 0.
  std::uint8_t square = 0;
  /// Which of these letters the leaves of the one more twig have, the lowest
  /// bit the first letter; 0 without one.
  std::uint8_t extra = 0;
  /// How many siblings in a row, this one the first, are of its height; are of
  /// its height and `single`; have as many leaves and height 1, and leaves with
  /// the same letters too. What runs as one is known without a look at others.
  std::uint8_t peers = 1, singles = 1, cousins = 1, twins = 1;
};

/// Sizes of one call.
struct ProjectionShape {
  std::int64_t batch = 0;
  std::int64_t length = 0;
  std::int64_t channels = 0;
  std::int64_t words = 0;
  /// Nodes of the tree, its root left out, and those of them with children.
  std::int64_t nodes = 0;
  std::int64_t inner = 0;
  /// Letters of the longest word.
  std::int64_t depth = 0;
  /// Children of the root, and those of them that are leaves: the first nodes.
  std::int64_t parts = 0;
  std::int64_t root_leaves = 0;
  /// The sum of the nodes' heights.
  std::int64_t sums = 0;
  bool lengths = false;
  /// Of each path backwards, in place of the path: the signature's inverse.
  bool inverse = false;

  std::int64_t increments() const { return length - 1; }
};

/// Where the kernels of a GPU find a node and keep what they make of it.
struct WordPlace {
  std::int64_t parent = 0;  ///< -1: the root
  /// Its first partial sum, of as many as its height, among those of all nodes
  /// in the order of `by_level`.
  std::int64_t sums = 0;
};

/// The tree.
struct Projection {
  const WordNode* nodes = nullptr;     ///< [nodes]
  const std::int64_t* word = nullptr;  ///< [words] the node of each
  // The same for a GPU, where each child of the root, and all below it, is a
  // part of its own.
  const WordPlace* places = nullptr;  ///< [nodes]
  /// [nodes] part after part, in each by level; [parts * depth + 1] where the
  /// levels begin.
  const std::int64_t* by_level = nullptr;
  const std::int64_t* level_begin = nullptr;
  /// [nodes] part after part, in each by letter; [parts * channels + 1].
  const std::int64_t* by_letter = nullptr;
  const std::int64_t* letter_begin = nullptr;
  /// [words] in the order of their nodes; [nodes + 1] where each node's begin.
  const std::int64_t* by_node = nullptr;
  const std::int64_t* node_begin = nullptr;
};

/// Bytes that forward keeps for backward: the inner nodes at the beginning of
/// each block of time and at the end.
template <class T>
std::size_t projected_saved_bytes(Cpu, const ProjectionShape& shape);

/// Bytes of scratch memory that either call needs.
template <class T>
std::size_t projected_workspace_bytes(Cpu, const ProjectionShape& shape);

/// Writes out [B, words] for path [B, L, d] and, where shape.lengths, lengths
/// [B]: later points count as repeats of the last true one. `saved` may be
/// null. The result does not depend on the number of threads.
template <class T>
void projected_forward(Cpu, const ProjectionShape& shape,
                       const Projection& tree, const T* path,
                       const std::int64_t* lengths, T* out, void* saved,
                       void* workspace);

/// Writes dpath [B, L, d], 0 beyond a path's length, from dout [B, words].
template <class T>
void projected_backward(Cpu, const ProjectionShape& shape,
                        const Projection& tree, const T* path,
                        const std::int64_t* lengths, const void* saved,
                        const T* dout, T* dpath, void* workspace);

/// Bytes of scratch memory of projected_second.
template <class T>
std::size_t projected_second_bytes(Cpu, const ProjectionShape& shape);

/// The derivatives along a direction of paths, [B, L, d], of the words, to
/// slopes [B, words], and of their gradient for dout, to dpath [B, L, d]: both
/// from the walk there and back over numbers a + e b, e^2 = 0. Either result
/// may be null; nothing that was saved is needed.
template <class T>
void projected_second(Cpu, const ProjectionShape& shape, const Projection& tree,
                      const T* path, const T* direction,
                      const std::int64_t* lengths, const T* dout, T* slopes,
                      T* dpath, void* workspace);

/// The same on a GPU, in whose memory all arrays stand, the tree's too. The
/// kernels take scratch memory themselves.
template <class T>
std::size_t projected_saved_bytes(Cuda, const ProjectionShape& shape);
template <class T>
std::size_t projected_workspace_bytes(Cuda, const ProjectionShape&) {
  return 0;
}
template <class T>
void projected_forward(Cuda, const ProjectionShape& shape,
                       const Projection& tree, const T* path,
                       const std::int64_t* lengths, T* out, void* saved,
                       void* workspace);
template <class T>
void projected_backward(Cuda, const ProjectionShape& shape,
                        const Projection& tree, const T* path,
                        const std::int64_t* lengths, const void* saved,
                        const T* dout, T* dpath, void* workspace);
template <class T>
std::size_t projected_second_bytes(Cuda, const ProjectionShape&) {
  return 0;
}
template <class T>
void projected_second(Cuda, const ProjectionShape& shape,
                      const Projection& tree, const T* path, const T* direction,
                      const std::int64_t* lengths, const T* dout, T* slopes,
                      T* dpath, void* workspace);

}  // namespace sigtape
