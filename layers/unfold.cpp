#include "sigtape/layers/unfold.h"

#include <algorithm>
#include <utility>

#include "sigtape/framework/ops.h"
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
  Tensor index = empty({batch, count * options_.length}, {DType::int64, {}});
  auto* out = index.mutable_data<std::int64_t>();
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t w = 0; w < count; ++w) {
      for (std::int64_t i = 0; i < options_.length; ++i) {
        *out++ = w * options_.stride + i;
      }
    }
  }
  Value result{reshape(take_points(x.data, index),
                       {batch, count, options_.length * channels}),
               {}};
  if (!x.lengths.defined()) return result;
  result.lengths = empty_like(x.lengths);
  const std::int64_t* n = x.lengths.data<std::int64_t>();
  std::transform(n, n + batch, result.lengths.mutable_data<std::int64_t>(),
                 [&](std::int64_t length) { return windows(length); });
  return result;
}

ModulePtr unfold(UnfoldOptions options) {
  return std::make_shared<Unfold>(std::move(options));
}

}  // namespace sigtape
