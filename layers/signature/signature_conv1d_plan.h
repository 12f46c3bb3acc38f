#pragma once

#include <cstddef>
#include <cstdint>

#include "sigtape/layers/signature/signature_conv1d_kernels.h"

namespace sigtape::cpu {

/// How one call is cut: the one place where block sizes, tasks and the use of
/// the lanes are chosen.
///
/// A subtree is a prefix of N - m letters with all words below it, down to
/// level N. Its whole walk through time, with the three products of its words
/// (with the weights, with dy, and of weights with dy), runs before the next
/// subtree's: its state and weights stay in the first-level cache at any depth
/// and length. What a subtree holds of a signature is a row: its words of
/// level N, N - 1, .., N - m + 1, then its prefix and the prefix's ancestors,
/// the last letter dropped first. An ancestor stands in the rows of several
/// subtrees; the first of them answers for it in the products.
///
/// Lanes are paths. Where these leave half the lanes empty the whole batch
/// stands there several times, as replicas, each with a subtree of its own.
struct SignatureConv1dPlan {
  /// Words below a prefix at most, unless one level has more.
  static constexpr std::int64_t kMaxRowWords = 128;
  /// Steps are padded with zero increments to a multiple of this, which the
  /// time tiles of all kernels divide.
  static constexpr std::int64_t kStepMultiple = 12;
  /// The steps that backward goes back through at a time.
  static constexpr std::int64_t kCotangentSteps = 4;
  static constexpr std::int64_t kMaxTasks = 16;
  /// Of these, over units: each adds to a y of its own.
  static constexpr std::int64_t kMaxUnitRanges = 8;

  int lanes = 0;
  std::int64_t replicas = 0;
  std::int64_t groups = 0;    ///< of paths that share vectors
  int levels = 0;             ///< m
  int prefix_letters = 0;     ///< N - m
  std::int64_t subtrees = 0;  ///< d^(N - m)
  std::int64_t units = 0;     ///< of as many subtrees as replicas
  std::int64_t steps = 0;     ///< T
  std::int64_t padded_steps = 0;
  std::int64_t walked_steps = 0;  ///< back, T or a few more
  std::int64_t block_steps = 0;   ///< of a block of backward
  std::int64_t blocks = 0;
  std::int64_t words = 0;  ///< S

  /// Where the row's words of level N - m + j start, j = 1 .. m; at 0 the
  /// prefix, each of its ancestors one further on.
  std::int64_t level_at[kMaxSignatureConv1dDepth + 1] = {};
  std::int64_t row_words = 0;
  std::int64_t row_stride = 0;

  /// A task is a range of groups with a range of units.
  std::int64_t group_ranges = 0;
  std::int64_t unit_ranges = 0;
  std::int64_t tasks() const { return group_ranges * unit_ranges; }

  /// Vectors of what all tasks share, and where in the workspace it starts:
  /// for each group the increments [padded][d], and with positions from
  /// -(K - 1) on dy and its sums over all later positions, [position][O].
  std::int64_t increments_at = 0, dy_at = 0, dy_sums_at = 0;
  /// For each range of units and each group: y like dy, and increments'
  /// gradients [1 + padded + 1][d].
  std::int64_t y_at = 0, dincrements_at = 0;
  /// For each group: one row of elements for each lane.
  std::int64_t lane_rows_at = 0, lane_row_elements = 0;
  /// For each task its own scratch, and within it (backward's last).
  std::int64_t slots_at = 0, slot_vectors = 0;
  std::int64_t inverses_at = 0, weights_at = 0, prefix_partials_at = 0;
  std::int64_t partials_at = 0, letters_at = 0, masks_at = 0, rows_at = 0;
  std::int64_t dpartials_at = 0, dletters_at = 0, checkpoints_at = 0;
  std::int64_t cotangents_at = 0, later_at = 0, dweights_at = 0;
  /// Elements: dweight of all ranges of groups but the first, [O, S, K] each,
  /// and the sums of dy of each group, [O].
  std::int64_t dweight_parts_at = 0, dbias_parts_at = 0;
  std::size_t bytes = 0;

  std::int64_t positions(const SignatureConv1dShape& shape) const {
    return padded_steps + shape.kernel - 1;
  }
};

/// The plan of a forward or backward call, for vectors of `lanes` elements of
/// `element_bytes` bytes. Depends on the shape only.
SignatureConv1dPlan make_signature_conv1d_plan(
    const SignatureConv1dShape& shape, bool backward, int lanes,
    int element_bytes);

/// How many paths of a call run first, with a plan of their own: all of them,
/// or those that fill whole groups, where the others would leave at least half
/// of the lanes empty and had better stand there as replicas.
std::int64_t paths_of_first_share(const SignatureConv1dShape& shape, int lanes);

}  // namespace sigtape::cpu
