#pragma once

#include <cstdint>

#include "sigtape/framework/host_device.h"

/// The numbers that windows of a stream follow from, for kernels too.
namespace sigtape {

/// How many windows streams have.
struct WindowRule {
  /// Points of a stream that has any.
  std::int64_t first = 0;
  /// Points from one window to the next; 0 where the number does not grow with
  /// the stream.
  std::int64_t step = 0;
  /// The number where it does not grow.
  std::int64_t fixed = 0;
  /// Of dyadic windows, 2^levels are the shortest; else -1.
  int levels = -1;
};

/// Windows of a stream of n points.
SIGTAPE_HOST_DEVICE inline std::int64_t count_windows(const WindowRule& rule,
                                                      std::int64_t n) {
  if (n < rule.first) return 0;
  return rule.step > 0 ? (n - rule.first) / rule.step + 1 : rule.fixed;
}

/// floor(k (n - 1) / 2^level) without overflow: where dyadic piece k of a
/// stream of n points starts, and piece k - 1 ends.
SIGTAPE_HOST_DEVICE inline std::int64_t dyadic_point(std::int64_t k, int level,
                                                     std::int64_t n) {
  const std::int64_t whole = (n - 1) >> level;
  const std::int64_t rest = (n - 1) - (whole << level);
  return k * whole + ((k * rest) >> level);
}

}  // namespace sigtape
