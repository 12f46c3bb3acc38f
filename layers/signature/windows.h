#pragma once

#include <cstdint>
#include <vector>

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/window_rule.h"

namespace sigtape {

/// The points start .. end - 1 of a stream.
struct PointInterval {
  std::int64_t start = 0;
  std::int64_t end = 0;
  bool operator==(const PointInterval&) const = default;
};

/// Which pieces of a stream are looked at. A stream of n points has the points
/// 0 .. n - 1; two windows share an increment only where they share its two
/// points.
class Windows {
 public:
  enum class Kind { sliding, expanding, dyadic, intervals };

  /// The points i step .. i step + size - 1 for i = 0, 1, .. as far as there
  /// are whole windows. Windows of `size` overlap by half with a step of half
  /// of it. Throws UsageError for size or step below 1.
  static Windows sliding(std::int64_t size, std::int64_t step = 1);
  /// The first `first`, first + step, .. points, up to n at most. Throws
  /// UsageError for first or step below 1.
  static Windows expanding(std::int64_t first, std::int64_t step = 1);
  /// The whole stream, its two halves, its four quarters, .. down to
  /// 2^levels pieces: piece i of 2^k goes from point floor(i (n - 1) / 2^k) to
  /// point floor((i + 1) (n - 1) / 2^k), both included, so that the pieces of
  /// a level share their end points and no increment. 2^(levels+1) - 1
  /// windows, the longest first. Throws UsageError unless levels is in 0..30.
  static Windows dyadic(std::int64_t levels);
  /// Any intervals (start, end): int64 (windows, 2) for all streams or
  /// (batch, windows, 2). Throws UsageError for other shapes and types, no
  /// window, a negative start, and an end that is not above its start.
  static Windows intervals(const Tensor& intervals);
  static Windows intervals(const std::vector<PointInterval>& intervals);

  Kind kind() const { return kind_; }
  /// Windows of a stream of n points; 0 where it is too short for one.
  std::int64_t count(std::int64_t n) const;
  /// Window i of a stream of n points; `stream` is its place in the batch.
  PointInterval at(std::int64_t i, std::int64_t n, std::int64_t stream) const;
  /// The fewest points of a stream that has `count` windows; 0 means any.
  std::int64_t least_points(std::int64_t count) const;
  /// The fewest points of each stream that has all its windows, int64: (1)
  /// where that is the same for all, else (streams).
  Tensor least_lengths() const;
  /// What the number of windows follows from.
  WindowRule rule() const;
  /// Streams that have intervals of their own, 0 where all have the same.
  std::int64_t streams() const;
  /// Whether both are the same windows of any stream.
  bool operator==(const Windows& other) const;

 private:
  Kind kind_ = Kind::sliding;
  std::int64_t size_ = 0;  // sliding: points; expanding: first; dyadic: levels
  std::int64_t step_ = 1;
  Tensor intervals_;  // (1 or batch, windows, 2)
};

/// "sliding", "expanding", "dyadic" or "intervals".
const char* name_of(Windows::Kind kind);

/// The number of windows of each stream, int64 (batch), from the streams'
/// lengths and on their device; undefined where `lengths` is.
Tensor window_counts(const Windows& windows, const Tensor& lengths);

}  // namespace sigtape
