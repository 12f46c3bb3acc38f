#pragma once

#include <cstddef>
#include <cstdint>

#include "sigtape/layers/signature/signature_kernels.h"

namespace sigtape::cpu {

/// How the vector kernels cut one call: the one place where block sizes and
/// the use of the lanes are chosen. A piece is a path or, where few long paths
/// would leave lanes or threads idle, one of the `pieces` parts of almost equal
/// length that each path is cut into; their signatures are multiplied in the
/// end (signature_pieces.h). A lane is a pair (piece, prefix): it holds the
/// words of a piece that start with one of the channels^prefix_levels prefixes.
/// Pieces are numbered path * pieces + part, pairs piece * prefixes + prefix; a
/// group is as many pairs as a vector has lanes. Its work is one task or, where
/// there are one or three groups and much to do, `splits` of them: each walks
/// the words up to the prefix and, below it, those whose next letter is among
/// its share. A task runs from start to end in one thread. Sizes "in vectors"
/// count vectors of `lanes` elements.
struct SignaturePlan {
  /// Deeper signatures are left to the plain kernels.
  static constexpr int kMaxDepth = 32;
  /// Groups share this many pieces of scratch memory at most.
  static constexpr std::int64_t kMaxSlots = 32;
  /// Words of one level that are walked together at most.
  static constexpr int kMaxSiblings = 4;
  /// Words of the level below the last that share a tile of leaves at most.
  static constexpr int kMaxLeafWords = 5;

  /// Parts that a path is cut into at most.
  static constexpr std::int64_t kMaxPieces = 64;

  /// False where the plain kernels are used; nothing else is set then.
  bool vectorised = false;

  std::int64_t path_increments = 0;  ///< T
  std::int64_t pieces = 1;           ///< of a path
  std::int64_t increments = 0;       ///< of the longest piece
  std::int64_t rows = 0;             ///< R
  /// Columns of a row that a group writes: S, the scalar term included, but the
  /// words alone where paths are cut.
  std::int64_t columns = 0;

  /// The first increment of a path's part, 0 to `pieces`.
  __attribute__((always_inline)) std::int64_t piece_begin(
      std::int64_t part) const {
    return part * path_increments / pieces;
  }

  int lanes = 0;
  int prefix_levels = 0;      ///< Q, at most depth - 1
  std::int64_t prefixes = 0;  ///< channels^Q
  std::int64_t pairs = 0;
  std::int64_t groups = 0;
  std::int64_t splits = 1;  ///< of a group, at most channels
  std::int64_t tasks = 0;   ///< groups * splits, numbered group by group

  /// The first of a split's letters at level Q + 1, 0 to `splits`.
  __attribute__((always_inline)) std::int64_t split_letter(
      std::int64_t split) const {
    return split * level_words[prefix_levels + 1] / splits;
  }

  /// Words a lane holds of level k: 1 up to level Q, channels^(k - Q) above.
  std::int64_t level_words[kMaxDepth + 1] = {};
  /// First word of level k in a lane's state; levels 1 to depth - 1 are the
  /// low state, the top level is kept apart and starts at 0.
  std::int64_t level_start[kMaxDepth + 1] = {};
  /// First word of level k in a row of the result, the scalar term included.
  std::int64_t level_column[kMaxDepth + 2] = {};
  std::int64_t low_words = 0;
  std::int64_t top_words = 0;

  /// Steps of the walk's blocks of time: without and with checkpoints.
  std::int64_t forward_steps = 0;
  std::int64_t backward_steps = 0;
  std::int64_t block_steps = 0;  ///< the larger one
  /// Blocks of a backward pass. One low state more is saved for a task: those
  /// before each block, and the one after the last.
  std::int64_t checkpoints = 0;
  /// Whether forward, on one thread, has left those of a group in place of
  /// those of its tasks, which each hold their share of its words.
  bool joined_checkpoints = false;

  /// Which checkpoints a task walks back from.
  __attribute__((always_inline)) std::int64_t checkpoints_of(
      std::int64_t task) const {
    return joined_checkpoints ? task / splits : task;
  }

  /// Scratch of one slot, in vectors, and where its arrays start. The low
  /// state or, in backward, its cotangent, is followed by the top level.
  std::int64_t increments_at, prefix_increments_at, masks_at, root_at;
  std::int64_t partials_at, leaf_partials_at, history_at, low_at, top_at;
  std::int64_t dincrements_at, dprefix_increments_at, dpartials_at;
  std::int64_t rows_at, prefix_low_at;
  std::int64_t slot_vectors = 0;
  std::int64_t slots = 0;
  /// Whether there is enough work for several threads.
  bool parallel = false;

  /// Where gradients are summed over tasks: pieces that a task can touch, 0
  /// where its gradients are those of points, and elements for one of them
  /// (increments, then words of levels up to Q).
  std::int64_t partial_paths = 0;
  std::int64_t partial_elements = 0;

  /// Bytes of the workspace: slots, partial sums, basepoint rows, and what
  /// multiplying pieces takes; of what is saved: checkpoints, where groups are
  /// split whether they are of groups, and the factors and products of pieces.
  std::size_t partials_byte = 0;
  std::size_t basepoints_byte = 0;
  std::size_t pieces_byte = 0;
  std::size_t workspace_bytes = 0;
  std::size_t saved_joined_byte = 0;
  std::size_t saved_pieces_byte = 0;
  std::size_t saved_bytes = 0;
};

/// What stands at a byte of the workspace or of what is saved.
template <class T>
T* at_byte(void* memory, std::size_t byte) {
  return reinterpret_cast<T*>(static_cast<unsigned char*>(memory) + byte);
}
template <class T>
const T* at_byte(const void* memory, std::size_t byte) {
  return reinterpret_cast<const T*>(static_cast<const unsigned char*>(memory) +
                                    byte);
}

/// The plan for vectors of `lanes` elements of `element_bytes` bytes. Depends
/// on the shape only, never on the number of threads.
SignaturePlan make_signature_plan(const SignatureShape& shape, int lanes,
                                  int element_bytes);

}  // namespace sigtape::cpu
