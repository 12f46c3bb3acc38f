#pragma once

#include <memory>

#include "sigtape/layers/signature/window_plan.h"

namespace sigtape {

/// The plan of a call. Paths that all have the same windows are groups of one
/// plan; else all paths together are a single group.
struct PlannedWindows {
  WindowPlan plan;
  std::int64_t groups = 0;
};

/// Plans the windows of paths (batch, length, channels), to which a point is
/// prepended where `based`. Plans that do not depend on lengths are kept: of
/// those that were asked for last some, of at most 4 MB each. Throws UsageError
/// in the name of `op` for a path too short for one window, a window that is
/// not in its path, one of one point without a base, and lengths out of range.
/// May be called from several threads.
std::shared_ptr<const PlannedWindows> plan_windows(
    const char* op, const Shape& path, std::int64_t depth,
    const Windows& windows, const Tensor& lengths, bool based);

}  // namespace sigtape
