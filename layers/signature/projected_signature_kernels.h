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
/// children, and its children one after another: the lower ones first.
struct WordNode {
  std::int64_t letter = 0;
  /// Levels of longer words below: 0 for a leaf.
  std::int64_t height = 0;
  /// Children without children: the nodes that follow.
  std::int64_t leaves = 0;
  /// The node after this one and all below it.
  std::int64_t end = 0;
  /// Number among the nodes that are no leaves; -1 for a leaf.
  std::int64_t inner = 0;
  /// 1 for a node of height 1 whose leaves have the letters of those of the
  /// sibling before it.
  std::int64_t like_previous = 0;
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
  /// Children of the root that are leaves: the first nodes.
  std::int64_t root_leaves = 0;
  bool lengths = false;

  std::int64_t increments() const { return length - 1; }
};

/// The tree: [nodes], and [words] the node of each word.
struct Projection {
  const WordNode* nodes = nullptr;
  const std::int64_t* word = nullptr;
};

/// Bytes that forward keeps for backward: the inner nodes at the beginning of
/// each block of time.
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

#ifdef SIGTAPE_CUDA
// Not on a GPU so far: any call of these names says so.
template <class T>
std::size_t projected_saved_bytes(Cuda, const ProjectionShape&) {
  fail<DeviceError>("projected_signature: has no CUDA kernel");
}
template <class T>
std::size_t projected_workspace_bytes(Cuda, const ProjectionShape&) {
  fail<DeviceError>("projected_signature: has no CUDA kernel");
}
template <class T>
void projected_forward(Cuda, const ProjectionShape&, const Projection&,
                       const T*, const std::int64_t*, T*, void*, void*) {
  fail<DeviceError>("projected_signature: has no CUDA kernel");
}
template <class T>
void projected_backward(Cuda, const ProjectionShape&, const Projection&,
                        const T*, const std::int64_t*, const void*, const T*,
                        T*, void*) {
  fail<DeviceError>("projected_signature: has no CUDA kernel");
}
#endif

}  // namespace sigtape
