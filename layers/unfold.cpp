#include "sigtape/layers/unfold.h"

#include <algorithm>
#include <utility>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/layers/length_kernels.h"
#include "sigtape/layers/stream_ops.h"

namespace sigtape {

Unfold::Unfold(UnfoldOptions options) : options_(std::move(options)) {
  set_name(options_.name);
  require(options_.length >= 1, "unfold: expected length >= 1, got ",
          options_.length);
  require(options_.stride >= 1, "unfold: expected stride >= 1, got ",
          options_.stride);
}

std::int64_t Unfold::least_length(std::int64_t points) const {
  const std::int64_t steps = std::max<std::int64_t>(points, 1) - 1;
  return options_.length + steps * options_.stride;
}

std::int64_t Unfold::windows(std::int64_t length) const {
  if (length < options_.length) {
    fail(label(), ": too short a stream: expected at least ", options_.length,
         " points, got ", length);
  }
  return (length - options_.length) / options_.stride + 1;
}

ValueShape Unfold::on_build(const ValueShape& input, TensorOptions) {
  require_input(input.is_stream(), input, "a stream");
  return {windows(input.length), input.channels * options_.length,
          input.unequal};
}

Value Unfold::on_forward(const Value& x) {
  const std::int64_t batch = x.data.size(0), channels = x.data.size(2);
  const std::int64_t count = windows(x.data.size(1));
  Tensor index =
      empty({1, count * options_.length}, {DType::int64, x.data.device()});
  compute_any(index, [&](auto device, auto) {
    index_unfolded(device, count, options_.length, options_.stride,
                   index.mutable_data<std::int64_t>());
  });
  return {reshape(take_points_unchecked(x.data, index),
                  {batch, count, options_.length * channels}),
          windows_of(x.lengths)};
}

// The number of windows of each stream.
Tensor Unfold::windows_of(const Tensor& lengths) const {
  if (!lengths.defined()) return {};
  const Tensor n = contiguous(lengths);
  if (n.device().is_cpu()) {
    for (std::int64_t b = 0; b < n.numel(); ++b)
      windows(n.data<std::int64_t>()[b]);
  }
  Tensor counts = empty_like(n);
  compute_any(n, [&](auto device, auto) {
    map_lengths(device, n.numel(),
                {.add = -options_.length, .divide = options_.stride, .plus = 1},
                n.data<std::int64_t>(), counts.mutable_data<std::int64_t>());
  });
  return counts;
}

ModulePtr unfold(UnfoldOptions options) {
  return std::make_shared<Unfold>(std::move(options));
}

}  // namespace sigtape
