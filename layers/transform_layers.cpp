#include "sigtape/layers/transform_layers.h"

#include <algorithm>
#include <utility>

namespace sigtape {

namespace {

// A transform given by two functions: of the shape and of the streams.
template <class ShapeFunction, class Function>
class FunctionLayer : public Transform {
 public:
  // `least(points)`: points needed for that many.
  FunctionLayer(const char* type, ShapeFunction shape, Function function,
                std::int64_t times, std::int64_t more)
      : type_(type),
        shape_(std::move(shape)),
        function_(std::move(function)),
        times_(times),
        more_(more) {}

  const char* type() const override { return type_; }

  // n points make times n + more.
  std::int64_t least_length(std::int64_t points) const override {
    const std::int64_t needed = (points - more_ + times_ - 1) / times_;
    return std::max<std::int64_t>(1, needed);
  }

 protected:
  ValueShape shape_of(const ValueShape& input) const override {
    return {times_ * input.length + more_, shape_(input), input.unequal};
  }
  Value apply(const Value& x) const override { return function_(x); }

 private:
  const char* type_;
  ShapeFunction shape_;
  Function function_;
  std::int64_t times_, more_;
};

// `channels(input)` throws where the input does not fit.
template <class Channels, class Function>
ModulePtr layer(const char* type, Channels channels, Function function,
                std::int64_t times = 1, std::int64_t more = 0) {
  return std::make_shared<FunctionLayer<Channels, Function>>(
      type, std::move(channels), std::move(function), times, more);
}

std::int64_t same(const ValueShape& input) { return input.channels; }
std::int64_t one_more(const ValueShape& input) { return input.channels + 1; }
std::int64_t twice(const ValueShape& input) { return 2 * input.channels; }

void check_channels(const char* type, const std::vector<std::int64_t>& channels,
                    const ValueShape& input) {
  for (const std::int64_t c : channels) {
    require(c >= 0 && c < input.channels, type, ": expected channels in 0..",
            input.channels - 1, ", got ", c);
  }
}

}  // namespace

ValueShape Transform::on_build(const ValueShape& input, TensorOptions) {
  require_input(input.is_stream(), input, "a stream");
  return shape_of(input);
}

ModulePtr add_time(const TimeOptions& options) {
  return layer("time", one_more,
               [options](const Value& x) { return add_time(x, options); });
}

ModulePtr lead_lag(const LeadLagOptions& options) {
  return layer(
      "lead_lag", twice,
      [options](const Value& x) { return lead_lag(x, options); }, 2, -1);
}

ModulePtr invisibility_reset() {
  return layer(
      "invisibility_reset", one_more,
      [](const Value& x) { return invisibility_reset(x); }, 1, 2);
}

ModulePtr cumulative_sum() {
  return layer("cumulative_sum", same,
               [](const Value& x) { return cumulative_sum(x); });
}

ModulePtr prepend_basepoint(const Basepoint& basepoint) {
  require(basepoint.kind() != Basepoint::Kind::tensor,
          "basepoint: expected none, zero or one number per channel, got a "
          "tensor");
  const auto channels = [basepoint](const ValueShape& input) {
    if (basepoint.kind() != Basepoint::Kind::values) return input.channels;
    const std::int64_t numbers = basepoint.points().numel();
    require(numbers == input.channels, "basepoint: expected ", input.channels,
            " numbers, one per channel, got ", numbers);
    return input.channels;
  };
  return layer(
      "basepoint", channels,
      [basepoint](const Value& x) { return prepend_basepoint(x, basepoint); },
      1, basepoint.is_none() ? 0 : 1);
}

ModulePtr scale(const std::vector<double>& factors) {
  require(!factors.empty(), "scale: expected a factor, got none");
  const auto channels = [factors](const ValueShape& input) {
    require(factors.size() == 1 || std::ssize(factors) == input.channels,
            "scale: expected 1 factor or one per channel, ", input.channels,
            ", got ", factors.size());
    return input.channels;
  };
  return layer("scale", channels,
               [factors](const Value& x) { return scale(x, factors); });
}

ModulePtr keep_channels(const std::vector<std::int64_t>& channels) {
  require(!channels.empty(), "keep_channels: expected a channel, got none");
  const auto count = [channels](const ValueShape& input) {
    check_channels("keep_channels", channels, input);
    return static_cast<std::int64_t>(channels.size());
  };
  return layer("keep_channels", count, [channels](const Value& x) {
    return keep_channels(x, channels);
  });
}

ModulePtr drop_channels(const std::vector<std::int64_t>& channels) {
  const auto count = [channels](const ValueShape& input) {
    check_channels("drop_channels", channels, input);
    std::vector<std::int64_t> dropped = channels;
    std::sort(dropped.begin(), dropped.end());
    const auto distinct = std::unique(dropped.begin(), dropped.end());
    const std::int64_t left = input.channels - (distinct - dropped.begin());
    require(left > 0, "drop_channels: expected a channel to be left of ",
            input.channels, ", got none");
    return left;
  };
  return layer("drop_channels", count, [channels](const Value& x) {
    return drop_channels(x, channels);
  });
}

ModulePtr rectilinear(std::int64_t time_channel) {
  const auto channels = [time_channel](const ValueShape& input) {
    check_channels("rectilinear", {time_channel}, input);
    return input.channels;
  };
  return layer(
      "rectilinear", channels,
      [time_channel](const Value& x) { return rectilinear(x, time_channel); },
      2, -1);
}

}  // namespace sigtape
