#include "sigtape/layers/signature/window_plan_cache.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/shapes_only.h"

namespace sigtape {

namespace {

PlanList<PointInterval> windows_of(const char* op, const Windows& windows,
                                   std::int64_t points, std::int64_t stream,
                                   bool based) {
  const std::int64_t count = windows.count(points);
  require(count > 0, op, ": path ", stream, " has ", points,
          " points, expected at least ", windows.least_points(1), " for one ",
          name_of(windows.kind()), " window");
  PlanList<PointInterval> list(count);
  const std::int64_t fewest = based ? 1 : 2;
  for (std::int64_t i = 0; i < count; ++i) {
    list[i] = windows.at(i, points, stream);
    require(list[i].end <= points, op, ": window ", i, " is that of points ",
            list[i].start, " to ", list[i].end - 1, ", but path ", stream,
            " has ", points, " points");
    require(list[i].end - list[i].start >= fewest, op,
            ": expected windows of at least 2 points, or a basepoint, got "
            "window ",
            i, " of 1 point");
  }
  return list;
}

PlannedWindows make_plan(const char* op, const Shape& path, std::int64_t depth,
                         const Windows& windows, const Tensor& lengths,
                         bool based) {
  const std::int64_t batch = path[0];
  const std::int64_t length = path[1], rows = length + based;
  WindowPlanner planner(path[2], depth);
  if (!lengths.defined() && windows.streams() == 0) {
    planner.add_stream(windows_of(op, windows, length, 0, based), length, based,
                       based ? 0 : -1);
    return {planner.finish(), batch};
  }
  const Tensor dense =
      lengths.defined() ? contiguous(lengths.to(Device{})) : lengths;
  const auto points = [&](std::int64_t b) {
    return dense.defined() ? dense.data<std::int64_t>()[b] : length;
  };
  std::int64_t most = 0;
  for (std::int64_t b = 0; b < batch; ++b) {
    require(points(b) >= 1 && points(b) <= length, op,
            ": expected lengths from 1 to ", length, ", got ", points(b),
            " for path ", b);
    most = std::max(most, windows.count(points(b)));
  }
  for (std::int64_t b = 0; b < batch; ++b) {
    planner.add_stream(windows_of(op, windows, points(b), b, based), points(b),
                       b * rows + based, based ? b * rows : -1);
    planner.repeat_last((b + 1) * most);
  }
  return {planner.finish(), 1};
}

using Planned = std::shared_ptr<const PlannedWindows>;

// What a plan without lengths depends on.
struct Key {
  Windows windows;
  Shape path;
  std::int64_t depth = 0;
  bool based = false;
  bool operator==(const Key&) const = default;
};

std::int64_t integers(const WindowPlan& plan) {
  std::int64_t sum = plan.arrays.defined() ? plan.arrays.numel() : 0;
  for (const PieceBucket& bucket : plan.buckets) sum += bucket.rows.numel();
  return sum;
}

// The last plans that were asked for, the latest first.
class KeptPlans {
 public:
  Planned find(const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto at =
        std::find_if(plans_.begin(), plans_.end(),
                     [&](const Entry& e) { return e.plan && e.key == key; });
    if (at == plans_.end()) return nullptr;
    std::rotate(plans_.begin(), at, at + 1);
    return plans_[0].plan;
  }
  void add(const Key& key, const Planned& plan) {
    if (integers(plan->plan) > kMostIntegers) return;
    const std::lock_guard lock(mutex_);
    std::rotate(plans_.begin(), plans_.end() - 1, plans_.end());
    plans_[0] = {key, plan};
  }

 private:
  static constexpr std::size_t kPlans = 8;
  static constexpr std::int64_t kMostIntegers = 1 << 19;
  struct Entry {
    Key key;
    Planned plan;
  };
  std::mutex mutex_;
  std::array<Entry, kPlans> plans_;
};

}  // namespace

Planned plan_windows(const char* op, const Shape& path, std::int64_t depth,
                     const Windows& windows, const Tensor& lengths,
                     bool based) {
  // Never destroyed: tensors may be used as long as the program runs.
  static auto& all = *new KeptPlans;
  KeptPlans& kept = kept_or_of_shapes(all);
  const bool keeps = !lengths.defined();
  const Key key{windows, path, depth, based};
  if (keeps)
    if (Planned plan = kept.find(key)) return plan;
  const auto plan = std::make_shared<const PlannedWindows>(
      make_plan(op, path, depth, windows, lengths, based));
  if (keeps) kept.add(key, plan);
  return plan;
}

}  // namespace sigtape
