#include "sigtape/layers/signature/window_plan_cache.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "sigtape/framework/cuda/graph.h"
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
    return {planner.finish(), true, {}};
  }
  const Tensor dense =
      lengths.defined() ? contiguous(lengths.to(Device{})) : lengths;
  const auto points = [&](std::int64_t b) {
    return dense.defined() ? dense.data<std::int64_t>()[b] : length;
  };
  for (std::int64_t b = 0; b < batch; ++b) {
    require(points(b) >= 1 && points(b) <= length, op,
            ": expected lengths from 1 to ", length, ", got ", points(b),
            " for path ", b);
  }
  const std::int64_t most = windows.count(length);
  for (std::int64_t b = 0; b < batch; ++b) {
    planner.add_stream(windows_of(op, windows, points(b), b, based), points(b),
                       b * rows + based, based ? b * rows : -1);
    planner.repeat_last((b + 1) * most);
  }
  return {planner.finish(), false, {}};
}

// The plan where kernels of `device` read it.
void place(const Windows& windows, Device device, PlannedWindows& p) {
  p.plan.placed_arrays =
      p.plan.arrays.defined() ? p.plan.arrays.to(device) : Tensor();
  if (device.is_cpu()) return;
  p.least = windows.least_lengths().to(device);
  for (PieceBucket& bucket : p.plan.buckets) {
    bucket.rows = bucket.rows.to(device);
    if (bucket.lengths.defined()) bucket.lengths = bucket.lengths.to(device);
  }
}

using Planned = std::shared_ptr<const PlannedWindows>;

// What a plan without lengths depends on.
struct Key {
  Windows windows;
  Shape path;
  std::int64_t depth = 0;
  bool based = false;
  Device device;
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
    if (key.device.is_cpu() && integers(plan->plan) > kMostIntegers) return;
    const std::lock_guard lock(mutex_);
    std::rotate(plans_.begin(), plans_.end() - 1, plans_.end());
    plans_[0] = {key, plan};
  }

 private:
  static constexpr std::size_t kPlans = 32;
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
                     const Windows& windows, const Tensor& lengths, bool based,
                     Device device) {
  // Never destroyed: tensors may be used as long as the program runs.
  static auto& all = *new KeptPlans;
  KeptPlans& kept = kept_or_of_shapes(all);
  const bool keeps = !lengths.defined();
  Key key{windows, path, depth, based, device};
  // Of paths with the same windows one stands for all.
  if (windows.streams() == 0) key.path[0] = 1;
  Planned plan = keeps ? kept.find(key) : nullptr;
  if (!plan) {
    PlannedWindows made = make_plan(op, path, depth, windows, lengths, based);
    place(windows, device, made);
    plan = std::make_shared<const PlannedWindows>(std::move(made));
    if (keeps) kept.add(key, plan);
  }
  if (!device.is_cpu()) cuda::keep_for_graph(plan);
  return plan;
}

}  // namespace sigtape
