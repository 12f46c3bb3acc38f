#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/logsignature.h"
#include "sigtape/layers/signature/signature.h"

namespace sigtape {

/// How a Path answers. prefixes: from the signatures of all initial pieces and
/// their inverses, by one product, whatever the interval. tree: from those of
/// dyadic pieces, by at most two products for each doubling of the interval's
/// length. A prefix grows with the path, so in the product of two of them
/// digits are lost: of a random walk with standard normal increments (3
/// channels, depth 4, float64) ten points have an error, relative to the
/// largest term, of about 1e-12 after 100 points and 1e-8 after 10000; by the
/// tree it is below 1e-15. Take the tree for long or growing paths.
enum class PathRoute { prefixes, tree };

/// A batch of paths that is asked for the signatures of its intervals, and may
/// grow. Points are counted from 0; a basepoint is point 0. All memory is
/// proportional to the number of points times a signature's size.
class Path {
 public:
  /// path (batch, length, channels), of one point at least. Throws what
  /// signature throws.
  Path(const Tensor& path, std::int64_t depth, const Basepoint& basepoint = {},
       bool scalar_term = false, PathRoute route = PathRoute::prefixes);

  /// Appends points (batch, length, channels).
  void update(const Tensor& more);

  /// Number of points.
  std::int64_t size() const { return points_.size(1); }
  /// (batch, size(), channels)
  const Tensor& points() const { return points_; }

  /// The signature (batch, S) of the points start .. end - 1, given as in
  /// Python: negative numbers count from the end, those too large or too small
  /// are cut off, and absent ones mean all. Differentiable in the points of
  /// the interval and no others, at the cost of a signature of these. Throws
  /// UsageError for less than two points.
  Tensor signature(std::optional<std::int64_t> start = {},
                   std::optional<std::int64_t> end = {}) const;
  /// The logarithm of that.
  Tensor logsignature(std::optional<std::int64_t> start = {},
                      std::optional<std::int64_t> end = {},
                      LogSignatureMode mode = LogSignatureMode::words) const;

 private:
  // Signatures (batch, S), one for each of a growing number of pieces.
  class Pieces {
   public:
    // rows (count, batch, S)
    void append(const Tensor& rows);
    Tensor operator[](std::int64_t i) const;
    // Every second one of first .. end - 1.
    Tensor alternate(std::int64_t first, std::int64_t end) const;
    std::int64_t size() const { return size_; }

   private:
    Tensor memory_;
    std::int64_t size_ = 0;
  };

  void extend(const Tensor& more);
  void extend_prefixes(const Tensor& more, const Tensor& last);
  void extend_tree(const Tensor& more, const Tensor& last);
  Tensor combine(const Tensor& first, const Tensor& second) const;
  Tensor from_prefixes(std::int64_t start, std::int64_t end) const;
  Tensor from_tree(std::int64_t start, std::int64_t end) const;

  std::int64_t depth_;
  bool scalar_term_;
  PathRoute route_;
  Tensor points_;
  Pieces prefixes_, inverses_;
  std::vector<Pieces> tree_;  // level k: pieces of 2^k increments
};

}  // namespace sigtape
