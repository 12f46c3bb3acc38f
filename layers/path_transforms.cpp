#include "sigtape/layers/path_transforms.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops.h"
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

// The same stream with its lengths where the CPU reads them.
Value readable(const Value& x) {
  return {x.data, x.lengths.defined() ? x.lengths.to({}) : x.lengths};
}

// Streams whose points are looked at one by one: one where all are equal.
std::int64_t kinds(const Value& x) {
  return x.lengths.defined() ? x.data.size(0) : 1;
}

// Of what `readable` returns.
std::int64_t points_of(const Value& x, std::int64_t stream) {
  return x.lengths.defined() ? x.lengths.data<std::int64_t>()[stream]
                             : x.data.size(1);
}

// Point source(t, n) of each stream of n points, for t = 0 .. points - 1.
template <class Source>
Tensor take(const Value& x, std::int64_t points, const Source& source) {
  const Value here = readable(x);
  Tensor index = empty({kinds(x), points}, {DType::int64, {}});
  auto* to = index.mutable_data<std::int64_t>();
  for (std::int64_t b = 0; b < kinds(x); ++b)
    for (std::int64_t t = 0; t < points; ++t)
      *to++ = source(t, points_of(here, b));
  return take_points(x.data, index.to(x.data.device()));
}

// value(t, n) as a channel, (streams or 1, points, 1).
template <class Function>
Tensor channel(const Value& x, std::int64_t points, const Function& value) {
  const Value here = readable(x);
  Tensor out = empty({kinds(x), points, 1}, {x.data.dtype(), {}});
  dispatch_floating("channel", out, [&]<class T>(auto, T) {
    T* to = out.mutable_data<T>();
    for (std::int64_t b = 0; b < kinds(x); ++b)
      for (std::int64_t t = 0; t < points; ++t)
        *to++ = static_cast<T>(value(t, points_of(here, b)));
  });
  return out.to(x.data.device());
}

// The lengths n as length(n).
template <class Function>
Tensor map_lengths(const Value& x, const Function& length) {
  if (!x.lengths.defined()) return {};
  const Value here = readable(x);
  Tensor out = empty(x.lengths.shape(), {DType::int64, {}});
  auto* to = out.mutable_data<std::int64_t>();
  for (std::int64_t b = 0; b < kinds(x); ++b)
    to[b] = length(points_of(here, b));
  return out.to(x.lengths.device());
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

// Point before the last step that has moved: 0, 0, 1, 1, 2, ..
std::int64_t lagging(std::int64_t t, std::int64_t n) {
  return std::min(t / 2, n - 1);
}
// Point that has been moved to: 0, 1, 1, 2, 2, ..
std::int64_t leading(std::int64_t t, std::int64_t n) {
  return std::min((t + 1) / 2, n - 1);
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
  return {side_by_side(take(x, points, leading), take(x, points, lagging),
                       options.lag_first),
          map_lengths(x, doubled)};
}

Value invisibility_reset(const Value& x) {
  check_stream("invisibility_reset", x);
  const std::int64_t batch = x.data.size(0), points = x.data.size(1) + 2;
  const Tensor kept =
      channel(x, points, [](std::int64_t t, std::int64_t n) { return t <= n; });
  const Tensor visible =
      channel(x, points, [](std::int64_t t, std::int64_t n) { return t < n; });
  const Tensor stream = take(x, points, [](std::int64_t t, std::int64_t n) {
    return std::min(t, n - 1);
  });
  return {concat({stream * kept, expand(visible, {batch, points, 1})}, 2),
          map_lengths(x, [](std::int64_t n) { return n + 2; })};
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
      first = expand(
          cast(basepoint.points(), x.data.dtype()).to(x.data.device()), shape);
      break;
    case Basepoint::Kind::tensor:
      require(basepoint.points().shape() == Shape({batch, channels}),
              "prepend_basepoint: expected a basepoint ",
              Shape({batch, channels}), ", got ", basepoint.points().shape());
      require_same_type("prepend_basepoint", basepoint.points(), x.data);
      first = reshape(basepoint.points(), shape);
      break;
  }
  return {concat({first, x.data}, 1),
          map_lengths(x, [](std::int64_t n) { return n + 1; })};
}

Value scale(const Value& x, std::span<const double> factors) {
  check_stream("scale", x);
  const std::int64_t channels = x.data.size(2);
  if (factors.size() == 1) return {x.data * factors[0], x.lengths};
  require(std::ssize(factors) == channels,
          "scale: expected 1 factor or one per channel, ", channels, ", got ",
          factors.size());
  const Tensor row = from_values(factors, {channels}, options_of(x));
  return {x.data * row, x.lengths};
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
  const std::int64_t length = x.data.size(1), channels = x.data.size(2);
  // Which points are known is looked up on the CPU.
  const Value here = readable(x);
  const Tensor data = contiguous(x.data.detach()).to({});
  Tensor index = empty(data.shape(), {DType::int64, {}});
  auto* to = index.mutable_data<std::int64_t>();
  bool missing = false;
  dispatch_floating("fill_forward", data, [&]<class T>(auto, T) {
    const T* all = data.data<T>();
    for (std::int64_t column = 0; column < data.size(0) * channels; ++column) {
      const std::int64_t b = column / channels, c = column % channels;
      const std::int64_t n = x.lengths.defined() ? points_of(here, b) : length;
      const T* from = all + b * length * channels + c;
      const auto known = [&](std::int64_t t) {
        return !std::isnan(from[t * channels]);
      };
      std::int64_t last = 0;
      while (last < n && !known(last)) ++last;
      require<DataError>(last < n, "fill_forward: channel ", c, " of stream ",
                         b, " has no value");
      for (std::int64_t t = 0; t < length; ++t) {
        if (t < n && known(t)) last = t;
        missing = missing || last != t;
        to[(b * length + t) * channels + c] = last;
      }
    }
  });
  if (!missing) return x;
  return {gather(contiguous(x.data), 1, index.to(x.data.device())), x.lengths};
}

Value rectilinear(const Value& x, std::int64_t time_channel) {
  check_stream("rectilinear", x);
  checked_channel("rectilinear", x, time_channel);
  const Value filled = fill_forward(x);
  const std::int64_t points = doubled(x.data.size(1));
  const Tensor early = take(filled, points, lagging);
  const Tensor late = take(filled, points, leading);
  const std::int64_t channels = x.data.size(2);
  CacheList<Tensor> parts;
  const auto add = [&](const Tensor& from, std::int64_t c, std::int64_t end) {
    if (c < end) parts.push_back(slice(from, 2, c, end));
  };
  add(early, 0, time_channel);
  add(late, time_channel, time_channel + 1);
  add(early, time_channel + 1, channels);
  return {concat(parts, 2), map_lengths(x, doubled)};
}

}  // namespace sigtape
