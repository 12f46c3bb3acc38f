#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/layers/signature/window_rule.h"

/// Kernels of the windows of streams of unequal length: the lengths stay on
/// their device.
namespace sigtape {

/// counts[b] = windows of a stream of lengths[b] points, [batch].
void count_windows(Cpu, std::int64_t batch, const WindowRule& rule,
                   const std::int64_t* lengths, std::int64_t* counts);

/// Streams of at most `length` points and how they are brought to `points`
/// points that all have the same windows.
struct WindowPoints {
  std::int64_t batch = 0, length = 0, points = 0;
  WindowRule rule;
};
/// index [batch, points]: of each stream its points, the last one repeated. Of
/// dyadic windows the points of each shortest one, its last one repeated to
/// (points - 1) / 2^levels of them, and the stream's last point.
void index_window_points(Cpu, const WindowPoints& s,
                         const std::int64_t* lengths, std::int64_t* index);

/// index [batch, windows]: 0, 1, .. of each stream's windows, and the last one
/// repeated.
void index_windows(Cpu, std::int64_t batch, std::int64_t windows,
                   const WindowRule& rule, const std::int64_t* lengths,
                   std::int64_t* index);

/// Throws UsageError where lengths[b] < least[b], or least[0] where `shared`.
void check_window_lengths(Cpu, std::int64_t batch, bool shared,
                          const std::int64_t* least,
                          const std::int64_t* lengths);

/// The same on a GPU, where the UsageError comes as that of a kernel.
void count_windows(Cuda, std::int64_t batch, const WindowRule& rule,
                   const std::int64_t* lengths, std::int64_t* counts);
void index_window_points(Cuda, const WindowPoints& s,
                         const std::int64_t* lengths, std::int64_t* index);
void index_windows(Cuda, std::int64_t batch, std::int64_t windows,
                   const WindowRule& rule, const std::int64_t* lengths,
                   std::int64_t* index);
void check_window_lengths(Cuda, std::int64_t batch, bool shared,
                          const std::int64_t* least,
                          const std::int64_t* lengths);

}  // namespace sigtape
