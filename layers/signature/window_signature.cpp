#include "sigtape/layers/signature/window_signature.h"

#include <algorithm>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops.h"
#include "sigtape/layers/path_transforms.h"
#include "sigtape/layers/signature/signature_products.h"
#include "sigtape/layers/signature/window_memory.h"
#include "sigtape/layers/signature/window_plan.h"
#include "sigtape/layers/stream_ops.h"

namespace sigtape {

namespace {

void check(const char* op, const Tensor& path, std::int64_t depth,
           const Windows& windows, const Tensor& lengths) {
  require(path.defined(), op, ": expected a path, got no tensor");
  require(
      path.rank() == 3 && path.numel() > 0, op,
      ": expected path (batch, length, channels), got ", path.shape(),
      path.rank() == 2 ? "; add a batch dimension: (1, length, channels)" : "");
  require(is_floating(path.dtype()), op,
          ": expected a path of float32 or float64, got int64 ", path.shape());
  require(depth >= 1, op, ": expected depth >= 1, got ", depth);
  signature_channels(path.size(2), depth);
  const std::string refusal = windows_too_large(path, depth, windows);
  require<MemoryError>(refusal.empty(), op, ": ", refusal);
  require(windows.streams() == 0 || windows.streams() == path.size(0), op,
          ": expected intervals for a batch of ", path.size(0),
          ", got those of ", windows.streams(), " paths");
  if (!lengths.defined()) return;
  require(
      lengths.dtype() == DType::int64 && lengths.shape() == Shape{path.size(0)},
      op, ": expected lengths ", Shape{path.size(0)}, " int64, got ",
      lengths.shape(), " ", lengths.dtype());
}

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

// Paths that all have the same windows are groups of one plan; else all paths
// together are a single group.
struct Planned {
  WindowPlan plan;
  std::int64_t groups;
};

Planned plan_windows(const char* op, const Tensor& path, std::int64_t depth,
                     const Windows& windows, const Tensor& lengths,
                     bool based) {
  const std::int64_t batch = path.size(0);
  const std::int64_t length = path.size(1), rows = length + based;
  WindowPlanner planner(path.size(2), depth);
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

// (count) once for each group.
Tensor repeated(const Tensor& lengths, std::int64_t groups) {
  if (!lengths.defined() || groups == 1) return lengths;
  const std::int64_t count = lengths.numel();
  return reshape(expand(reshape(lengths, {1, count}), {groups, count}),
                 {groups * count});
}

// The signatures of a bucket's pieces, (groups, count, S).
Tensor piece_signatures(const Tensor& rows, const PieceBucket& bucket,
                        std::int64_t depth, bool inverse) {
  const std::int64_t groups = rows.size(0), channels = rows.size(2);
  const Tensor points =
      reshape(take_points_unchecked(rows, bucket.rows.to(rows.device())),
              {groups * bucket.count, bucket.points, channels});
  const Tensor s = signature(
      points, depth,
      {.inverse = inverse, .lengths = repeated(bucket.lengths, groups)});
  return reshape(s, {groups, bucket.count, s.size(1)});
}

Tensor compute(const char* op, const Tensor& path, std::int64_t depth,
               const Windows& windows, const Basepoint& basepoint, bool inverse,
               const Tensor& lengths) {
  check(op, path, depth, windows, lengths);
  const bool based = !basepoint.is_none();
  const auto [plan, groups] =
      plan_windows(op, path, depth, windows, lengths, based);
  const Tensor points = prepend_basepoint({path, {}}, basepoint).data;
  const Tensor rows = reshape(
      points,
      {groups, points.size(0) * points.size(1) / groups, points.size(2)});
  PlanList<Tensor> leaves;
  for (const PieceBucket& bucket : plan.buckets)
    leaves.push_back(piece_signatures(rows, bucket, depth, inverse));
  const ProductsShape shape{.leaves = plan.leaves,
                            .products = plan.products,
                            .results = plan.results,
                            .rounds = plan.rounds,
                            .channels = path.size(2),
                            .depth = static_cast<int>(depth),
                            .swapped = inverse};
  const Tensor all = leaves.size() == 1 ? leaves[0] : concat(leaves, 1);
  const Tensor results = plan.results_are_leaves
                             ? all
                             : signature_products(all, plan.arrays, shape);
  const std::int64_t batch = path.size(0);
  return reshape(results,
                 {batch, groups * plan.results / batch, results.size(2)});
}

}  // namespace

Tensor window_signature(const Tensor& path, std::int64_t depth,
                        const Windows& windows,
                        const WindowSignatureOptions& options) {
  const Tensor s = compute("window_signature", path, depth, windows,
                           options.basepoint, options.inverse, options.lengths);
  return options.scalar_term ? pad(s, 2, 1, 0, 1) : s;
}

Tensor window_logsignature(const Tensor& path, std::int64_t depth,
                           const Windows& windows,
                           const WindowLogSignatureOptions& options) {
  const Tensor s = compute("window_logsignature", path, depth, windows,
                           options.basepoint, options.inverse, options.lengths);
  return signature_to_logsignature(s, path.size(2), depth,
                                   {.stream = true, .mode = options.mode});
}

}  // namespace sigtape
