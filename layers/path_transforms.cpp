#include "sigtape/layers/path_transforms.h"

#include <algorithm>
#include <vector>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/layers/length_kernels.h"
#include "sigtape/layers/stream_ops.h"

namespace sigtape {

namespace {

template <class T>
using CacheList = std::vector<T, CacheAllocator<T>>;

void check_stream(const char* op, const Value& x) {
  require(x.data.defined(), op, ": expected a stream, got no tensor");
  require(x.data.rank() == 3 && x.data.numel() > 0, op,
          ": expected streams (batch, length, channels), got ", x.data.shape());
  require(is_floating(x.data.dtype()), op,
          ": expected float32 or float64, got int64 ", x.data.shape());
  if (!x.lengths.defined()) return;
  require(x.lengths.dtype() == DType::int64 &&
              x.lengths.shape() == Shape{x.data.size(0)},
          op, ": expected lengths ", Shape{x.data.size(0)}, " int64, got ",
          x.lengths.shape(), " ", x.lengths.dtype());
}

TensorOptions options_of(const Value& x) {
  return {x.data.dtype(), x.data.device()};
}

// The points of each stream where the data is: int64 (streams), or (1) where
// all have the same.
Tensor points_of(const Value& x) {
  if (x.lengths.defined()) return x.lengths.to(x.data.device());
  return full({1}, static_cast<double>(x.data.size(1)),
              {DType::int64, x.data.device()});
}

// Of each stream `points` points: number (first + j) / divide or its last.
Tensor take(const Value& x, std::int64_t points, std::int64_t first,
            std::int64_t divide) {
  const Tensor lengths = points_of(x);
  const std::int64_t streams = lengths.size(0);
  Tensor index = empty({streams, points}, {DType::int64, x.data.device()});
  compute_any(index, [&]<class T>(auto device, T) {
    index_steps(device, {streams, points, first, divide},
                lengths.data<std::int64_t>(),
                index.mutable_data<std::int64_t>());
  });
  return take_points_unchecked(x.data, index);
}

// Point before the last step that has moved: 0, 0, 1, 1, 2, ..
Tensor lagging(const Value& x, std::int64_t points) {
  return take(x, points, 0, 2);
}
// Point that has been moved to: 0, 1, 1, 2, 2, ..
Tensor leading(const Value& x, std::int64_t points) {
  return take(x, points, 1, 2);
}

// A channel that is 1 at the first n + more points of streams of n points, 0
// at the others of `points`: (streams or 1, points, 1).
Tensor first_points(const Value& x, std::int64_t more, std::int64_t points) {
  return cast(true_points(shifted_lengths(points_of(x), more), points),
              x.data.dtype());
}

// The lengths 2 n - 1 for n, where they are.
Tensor doubled_lengths(const Tensor& lengths) {
  if (!lengths.defined()) return {};
  Tensor out = empty_like(lengths);
  compute_any(lengths, [&]<class T>(auto device, T) {
    map_lengths(device, lengths.numel(), {.plus = -1, .times = 2},
                lengths.data<std::int64_t>(), out.mutable_data<std::int64_t>());
  });
  return out;
}

Tensor longer(const Tensor& lengths, std::int64_t by) {
  return lengths.defined() ? shifted_lengths(lengths, by) : lengths;
}

// Numbers of a configuration as a row; on a device without a copy from main
// memory, which no captured graph can hold.
Tensor row_of(std::span<const double> numbers, TensorOptions options) {
  const auto count = static_cast<std::int64_t>(numbers.size());
  if (options.device.is_cpu()) return from_values(numbers, {count}, options);
  CacheList<Tensor> parts;
  for (const double x : numbers) parts.push_back(full({1}, x, options));
  return concat(parts, 0);
}
Tensor row_of(const Tensor& numbers, TensorOptions options) {
  if (!numbers.device().is_cpu() || numbers.dtype() != DType::float64)
    return cast(numbers, options.dtype).to(options.device);
  const Tensor dense = contiguous(numbers);
  return row_of(std::span(dense.data<double>(), dense.numel()), options);
}

Tensor side_by_side(const Tensor& a, const Tensor& b, bool second_first) {
  return second_first ? concat({b, a}, 2) : concat({a, b}, 2);
}

std::int64_t checked_channel(const char* op, const Value& x,
                             std::int64_t channel) {
  require(channel >= 0 && channel < x.data.size(2), op,
          ": expected a channel in 0..", x.data.size(2) - 1, ", got ", channel);
  return channel;
}

// Whether the index (batch, length, channels) of points leaves all where they
// are, as far as the CPU can say.
bool points_at_itself(const Tensor& index) {
  if (!index.device().is_cpu()) return false;
  const std::int64_t* first = index.data<std::int64_t>();
  const std::int64_t length = index.size(1), channels = index.size(2);
  for (std::int64_t i = 0; i < index.numel(); ++i)
    if (first[i] != i / channels % length) return false;
  return true;
}

std::int64_t doubled(std::int64_t n) { return 2 * n - 1; }

}  // namespace

Value add_time(const Value& x, const TimeOptions& options) {
  check_stream("add_time", x);
  Tensor time =
      time_channel(x.data.size(0), x.data.size(1), x.lengths, options_of(x));
  if (options.start != 0 || options.end != 1)
    time = time * (options.end - options.start) + options.start;
  return {side_by_side(x.data, time, options.first), x.lengths};
}

Value add_time(const Value& x, const Tensor& stamps, bool first) {
  check_stream("add_time", x);
  const Shape expected = {x.data.size(0), x.data.size(1)};
  require(stamps.defined() && stamps.shape() == expected,
          "add_time: expected time stamps ", expected, ", got ",
          stamps.defined() ? stamps.shape() : Shape());
  const Tensor time =
      cast(reshape(stamps, {expected[0], expected[1], 1}), x.data.dtype());
  return {side_by_side(x.data, time, first), x.lengths};
}

Value lead_lag(const Value& x, const LeadLagOptions& options) {
  check_stream("lead_lag", x);
  const std::int64_t points = doubled(x.data.size(1));
  return {
      side_by_side(leading(x, points), lagging(x, points), options.lag_first),
      doubled_lengths(x.lengths)};
}

Value invisibility_reset(const Value& x) {
  check_stream("invisibility_reset", x);
  const std::int64_t batch = x.data.size(0), points = x.data.size(1) + 2;
  const Tensor kept = first_points(x, 1, points);
  const Tensor visible = first_points(x, 0, points);
  const Tensor stream = take(x, points, 0, 1);
  return {concat({stream * kept, expand(visible, {batch, points, 1})}, 2),
          longer(x.lengths, 2)};
}

Value cumulative_sum(const Value& x) {
  check_stream("cumulative_sum", x);
  return {running_sum(mask_stream(x.data, x.lengths)), x.lengths};
}

Value prepend_basepoint(const Value& x, const Basepoint& basepoint) {
  check_stream("prepend_basepoint", x);
  const std::int64_t batch = x.data.size(0), channels = x.data.size(2);
  const Shape shape = {batch, 1, channels};
  Tensor first;
  switch (basepoint.kind()) {
    case Basepoint::Kind::none:
      return x;
    case Basepoint::Kind::zero:
      first = zeros(shape, options_of(x));
      break;
    case Basepoint::Kind::values:
      require(basepoint.points().numel() == channels,
              "prepend_basepoint: expected a basepoint of ", channels,
              " numbers, one per channel, got ", basepoint.points().numel());
      first = expand(row_of(basepoint.points(), options_of(x)), shape);
      break;
    case Basepoint::Kind::tensor:
      require(basepoint.points().shape() == Shape({batch, channels}),
              "prepend_basepoint: expected a basepoint ",
              Shape({batch, channels}), ", got ", basepoint.points().shape());
      require_same_type("prepend_basepoint", basepoint.points(), x.data);
      first = reshape(basepoint.points(), shape);
      break;
  }
  return {concat({first, x.data}, 1), longer(x.lengths, 1)};
}

Value scale(const Value& x, std::span<const double> factors) {
  check_stream("scale", x);
  const std::int64_t channels = x.data.size(2);
  if (factors.size() == 1) return {x.data * factors[0], x.lengths};
  require(std::ssize(factors) == channels,
          "scale: expected 1 factor or one per channel, ", channels, ", got ",
          factors.size());
  return {x.data * row_of(factors, options_of(x)), x.lengths};
}

Value keep_channels(const Value& x, std::span<const std::int64_t> channels) {
  check_stream("keep_channels", x);
  require(!channels.empty(), "keep_channels: expected a channel, got none");
  CacheList<Tensor> kept;
  for (const std::int64_t c : channels) {
    checked_channel("keep_channels", x, c);
    kept.push_back(slice(x.data, 2, c, c + 1));
  }
  return {concat(kept, 2), x.lengths};
}

Value drop_channels(const Value& x, std::span<const std::int64_t> channels) {
  check_stream("drop_channels", x);
  CacheList<std::int64_t> kept;
  for (const std::int64_t c : channels) checked_channel("drop_channels", x, c);
  for (std::int64_t c = 0; c < x.data.size(2); ++c)
    if (std::find(channels.begin(), channels.end(), c) == channels.end())
      kept.push_back(c);
  require(!kept.empty(), "drop_channels: expected a channel to be left of ",
          x.data.size(2), ", got none");
  return keep_channels(x, kept);
}

Value fill_forward(const Value& x) {
  check_stream("fill_forward", x);
  const Tensor data = contiguous(x.data.detach());
  const Tensor lengths =
      x.lengths.defined() ? x.lengths.to(data.device()) : x.lengths;
  Tensor index = empty(data.shape(), {DType::int64, data.device()});
  compute_floating("fill_forward", data, [&]<class T>(auto device, T) {
    last_known(device, {data.size(0), data.size(1), data.size(2)},
               lengths.defined() ? lengths.data<std::int64_t>() : nullptr,
               data.data<T>(), index.mutable_data<std::int64_t>());
  });
  if (points_at_itself(index)) return x;
  return {gather(contiguous(x.data), 1, index), x.lengths};
}

Value rectilinear(const Value& x, std::int64_t time_channel) {
  check_stream("rectilinear", x);
  checked_channel("rectilinear", x, time_channel);
  const Value filled = fill_forward(x);
  const std::int64_t points = doubled(x.data.size(1));
  const Tensor early = lagging(filled, points);
  const Tensor late = leading(filled, points);
  const std::int64_t channels = x.data.size(2);
  CacheList<Tensor> parts;
  const auto add = [&](const Tensor& from, std::int64_t c, std::int64_t end) {
    if (c < end) parts.push_back(slice(from, 2, c, end));
  };
  add(early, 0, time_channel);
  add(late, time_channel, time_channel + 1);
  add(early, time_channel + 1, channels);
  return {concat(parts, 2), doubled_lengths(x.lengths)};
}

}  // namespace sigtape
