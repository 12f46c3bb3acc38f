#pragma once

#include <cstddef>
#include <cstdint>

#include "sigtape/layers/signature/signature_words_cuda.h"

/// Signatures of common sizes on a GPU, of whole paths (not streams): a thread
/// holds a subtree of words in registers (signature_subtree_cuda.h) and walks a
/// chunk of the increments without waiting for anybody.
///
/// The increments of a path are cut into segments, one block of threads each,
/// and a segment into chunks, groups of d^Q threads each. Chunks' signatures
/// are joined in shared memory by a scan of Chen products, segments' by a
/// second kernel. Backward starts every chunk from its own end: the adjoint
/// there is the result's, contracted with the signatures of all later chunks,
/// and the prefix is walked back from the scan's value. No atomics; sums over
/// threads go through shared memory in a fixed order.
namespace sigtape::cuda {

/// How a call is cut; follows from its shape.
struct TreePlan {
  std::int64_t segments, chunks;
  std::int64_t steps;   // increments of a chunk, a multiple of 4
  std::int64_t slices;  // blocks that share the prefixes of a segment
};

/// What forward leaves for backward, in one array.
template <class T>
struct TreeSaved {
  T* chunks;      // [B, segments, chunks, 2, words of levels < N]
  T* signatures;  // [B, segments, S]
  T* prefixes;    // [B, segments, words of levels < N]
};

template <class T>
struct TreeForward {
  Increments<T> increments;
  std::int64_t batch;
  TreePlan plan;
  RowFormat format;
  const T* initial;  // [B, columns] or null
  T* out;            // [B, columns]
  TreeSaved<T> saved;
};

template <class T>
struct TreeBackward {
  Increments<T> increments;
  std::int64_t batch;
  TreePlan plan;
  RowFormat format;
  const T* dout;  // [B, columns]
  TreeSaved<T> saved;
  T* parts;     // [slices, B, T, d], gradients of increments
  T* dinitial;  // [B, columns], or null; words of levels > links only
  T* chains;    // [B, d^links, links], where dinitial
};

/// The kernels of one size.
template <class T>
struct TreeKernels {
  int prefix_levels = 0;  // Q, also the links of TreeBackward
  void (*forward)(CUstream_st*, const TreeForward<T>&) = nullptr;
  void (*backward)(CUstream_st*, const TreeBackward<T>&) = nullptr;
};

/// Null where a size has no kernels of its own.
const TreeKernels<float>* tree_kernels(float, std::int64_t channels, int depth);
const TreeKernels<double>* tree_kernels(double, std::int64_t channels,
                                        int depth);

TreePlan tree_plan(std::int64_t batch, std::int64_t increments,
                   std::int64_t channels, int depth, int prefix_levels,
                   std::size_t element);

}  // namespace sigtape::cuda
