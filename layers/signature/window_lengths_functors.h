#pragma once

#include "sigtape/layers/signature/window_lengths_kernels.h"

/// One element of each kernel of window_lengths_kernels.h, for both devices.
namespace sigtape {

struct CountWindows {
  WindowRule rule;
  const std::int64_t* lengths;
  std::int64_t* counts;
  SIGTAPE_HOST_DEVICE void operator()(std::int64_t b) const {
    counts[b] = count_windows(rule, lengths[b]);
  }
};

struct IndexWindowPoint {
  WindowPoints s;
  const std::int64_t* lengths;
  std::int64_t* index;
  SIGTAPE_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t given = lengths[i / s.points];
    const std::int64_t n = given < 1 ? 1 : given < s.length ? given : s.length;
    index[i] = s.rule.levels < 0 ? least_of(i % s.points, n - 1)
                                 : of_dyadic(i % s.points, n);
  }
  SIGTAPE_HOST_DEVICE std::int64_t of_dyadic(std::int64_t t,
                                             std::int64_t n) const {
    const std::int64_t each = (s.points - 1) >> s.rule.levels;
    const std::int64_t piece = t / each;
    if (piece >> s.rule.levels > 0) return n - 1;
    return least_of(dyadic_point(piece, s.rule.levels, n) + t % each,
                    dyadic_point(piece + 1, s.rule.levels, n));
  }
  SIGTAPE_HOST_DEVICE static std::int64_t least_of(std::int64_t a,
                                                   std::int64_t b) {
    return a < b ? a : b;
  }
};

struct IndexWindow {
  std::int64_t windows;
  WindowRule rule;
  const std::int64_t* lengths;
  std::int64_t* index;
  SIGTAPE_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t w = i % windows;
    const std::int64_t last = count_windows(rule, lengths[i / windows]) - 1;
    index[i] = w < last ? w : last < 0 ? 0 : last;
  }
};

}  // namespace sigtape
