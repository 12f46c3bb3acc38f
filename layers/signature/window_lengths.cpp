#include "sigtape/layers/signature/window_lengths.h"

#include "sigtape/framework/compute.h"
#include "sigtape/layers/signature/window_lengths_kernels.h"
#include "sigtape/layers/stream_ops.h"

namespace sigtape {

namespace {

// Points of streams of up to `length` that all have the same windows.
std::int64_t equal_points(const WindowRule& rule, std::int64_t length) {
  if (rule.levels < 0 || length < rule.first) return length;
  const std::int64_t pieces = std::int64_t{1} << rule.levels;
  return (length + pieces - 2) / pieces * pieces + 1;
}

}  // namespace

void require_window_lengths(const Tensor& least, const Tensor& lengths) {
  compute_any(lengths, [&](auto device, auto) {
    check_window_lengths(device, lengths.numel(), least.numel() == 1,
                         least.data<std::int64_t>(),
                         lengths.data<std::int64_t>());
  });
}

Tensor equally_long(const Tensor& path, const Windows& windows,
                    const Tensor& lengths) {
  if (windows.kind() == Windows::Kind::intervals) return path;
  const WindowRule rule = windows.rule();
  const WindowPoints sizes{.batch = path.size(0),
                           .length = path.size(1),
                           .points = equal_points(rule, path.size(1)),
                           .rule = rule};
  Tensor index =
      empty({sizes.batch, sizes.points}, {DType::int64, path.device()});
  compute_any(index, [&](auto device, auto) {
    index_window_points(device, sizes, lengths.data<std::int64_t>(),
                        index.mutable_data<std::int64_t>());
  });
  return take_points_unchecked(path, index);
}

Tensor repeat_last_window(const Tensor& results, const Windows& windows,
                          const Tensor& lengths) {
  const WindowRule rule = windows.rule();
  if (rule.step == 0) return results;
  const std::int64_t batch = results.size(0), count = results.size(1);
  Tensor index = empty({batch, count}, {DType::int64, results.device()});
  compute_any(index, [&](auto device, auto) {
    index_windows(device, batch, count, rule, lengths.data<std::int64_t>(),
                  index.mutable_data<std::int64_t>());
  });
  return take_points_unchecked(results, index);
}

}  // namespace sigtape
