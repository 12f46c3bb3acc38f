#include "sigtape/layers/signature/window_signature.h"

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops.h"
#include "sigtape/layers/path_transforms.h"
#include "sigtape/layers/signature/signature_products.h"
#include "sigtape/layers/signature/window_lengths.h"
#include "sigtape/layers/signature/window_memory.h"
#include "sigtape/layers/signature/window_plan_cache.h"
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
      reshape(take_points_unchecked(rows, bucket.rows),
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
  const Device device = path.device();
  // On a GPU no size may follow from the lengths: a graph is of fixed sizes.
  const bool there = lengths.defined() && !device.is_cpu();
  const Tensor own = there ? contiguous(lengths.to(device)) : Tensor();
  const Tensor streams = there ? equally_long(path, windows, own) : path;
  const auto planned = plan_windows(op, streams.shape(), depth, windows,
                                    there ? Tensor() : lengths, based, device);
  if (there) require_window_lengths(planned->least, own);
  const WindowPlan& plan = planned->plan;
  const std::int64_t batch = path.size(0);
  const std::int64_t groups = planned->of_each_path ? batch : 1;
  const Tensor points = prepend_basepoint({streams, {}}, basepoint).data;
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
  const Tensor results =
      plan.results_are_leaves
          ? all
          : signature_products(all, plan.arrays, plan.placed_arrays, shape);
  const Tensor out =
      reshape(results, {batch, groups * plan.results / batch, results.size(2)});
  return there ? repeat_last_window(out, windows, own) : out;
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
