#include "sigtape/layers/recur.h"

#include <array>
#include <utility>

#include "sigtape/framework/ops.h"
#include "sigtape/layers/stream_points.h"

namespace sigtape {

Recur::Recur(RecurOptions options) : options_(std::move(options)) {
  set_name(options_.name);
  require(options_.network != nullptr, "recur: expected a network, got none");
  require(options_.memory >= 1, "recur: expected memory >= 1, got ",
          options_.memory);
  add_child("network", options_.network);
}

ValueShape Recur::on_build(const ValueShape& input, TensorOptions options) {
  require_input(input.is_stream(), input, "a stream");
  const std::int64_t memory = options_.memory;
  const ValueShape out =
      options_.network->build({0, input.channels + memory, false}, options);
  if (out.channels <= memory) {
    fail(label(), ": expected a network of more outputs than its memory of ",
         memory, ", got ", out);
  }
  return {input.length, out.channels - memory, input.unequal};
}

Value Recur::on_forward(const Value& x) {
  const std::int64_t batch = x.data.size(0), length = x.data.size(1);
  const std::int64_t out = output_shape().channels;
  const StreamPoints points(x.data);
  Tensor memory =
      zeros({batch, options_.memory}, {x.data.dtype(), x.data.device()});
  outputs_.reserve(static_cast<std::size_t>(length));
  for (std::int64_t t = 0; t < length; ++t) {
    const std::array<Tensor, 2> parts = {points.at(t), memory};
    const Tensor y = (*options_.network)(concat(parts, 1));
    memory = slice(y, 1, out, out + options_.memory);
    outputs_.push_back(reshape(slice(y, 1, 0, out), {batch, 1, out}));
  }
  Value result{concat(outputs_, 1), x.lengths};
  outputs_.clear();
  return result;
}

ModulePtr recur(RecurOptions options) {
  return std::make_shared<Recur>(std::move(options));
}

}  // namespace sigtape
