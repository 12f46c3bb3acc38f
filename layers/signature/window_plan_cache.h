#pragma once

#include <memory>

#include "sigtape/layers/signature/window_plan.h"

namespace sigtape {

/// The plan of a call.
struct PlannedWindows {
  WindowPlan plan;
  /// Whether all paths have the same windows and each is a group of its own;
  /// else all together are a single group.
  bool of_each_path = false;
  /// On the paths' device where that is no CPU: Windows::least_lengths().
  Tensor least;
};

/// Plans the windows of paths (batch, length, channels), to which a point is
/// prepended where `based`; `device` is theirs, lengths are for a CPU only.
/// Plans that do not depend on lengths are kept: of those that were asked for
/// last some, on a CPU of at most 4 MB each, and as long as a captured graph
/// that reads them. Throws UsageError in the name of `op` for a path too short
/// for one window, a window that is not in its path, one of one point without a
/// base, and lengths out of range. May be called from several threads.
std::shared_ptr<const PlannedWindows> plan_windows(
    const char* op, const Shape& path, std::int64_t depth,
    const Windows& windows, const Tensor& lengths, bool based, Device device);

}  // namespace sigtape
