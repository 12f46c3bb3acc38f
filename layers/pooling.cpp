#include "sigtape/layers/pooling.h"

#include <algorithm>

#include "sigtape/framework/ops.h"
#include "sigtape/layers/stream_ops.h"

namespace sigtape {

namespace {

bool all_points_are_true(const Value& x) {
  if (!x.lengths.defined()) return true;
  const Tensor lengths = x.lengths.to({});
  const std::int64_t* first = lengths.data<std::int64_t>();
  return std::all_of(first, first + x.lengths.numel(),
                     [&](std::int64_t n) { return n == x.data.size(1); });
}

}  // namespace

ValueShape Flatten::on_build(const ValueShape& input, TensorOptions) {
  if (!input.is_stream()) return input;
  require_input(!input.unequal, input, "streams of equal length");
  return {0, input.length * input.channels, false};
}

Value Flatten::on_forward(const Value& x) {
  if (!x.is_stream()) return x;
  const std::int64_t batch = x.data.size(0), length = x.data.size(1);
  const ValueShape got{length, x.data.size(2), x.lengths.defined()};
  require_input(length == input_shape().length, got, input_shape());
  require_input(all_points_are_true(x), got, "streams of equal length");
  return {reshape(x.data, {batch, length * x.data.size(2)}), {}};
}

ValueShape Last::on_build(const ValueShape& input, TensorOptions) {
  require_input(input.is_stream(), input, "a stream");
  return {0, input.channels, false};
}

Value Last::on_forward(const Value& x) {
  return {last_point(x.data, x.lengths), {}};
}

ValueShape Mean::on_build(const ValueShape& input, TensorOptions) {
  require_input(input.is_stream(), input, "a stream");
  return {0, input.channels, false};
}

Value Mean::on_forward(const Value& x) {
  return {stream_mean(x.data, x.lengths), {}};
}

ModulePtr flatten() { return std::make_shared<Flatten>(); }
ModulePtr last() { return std::make_shared<Last>(); }
ModulePtr mean() { return std::make_shared<Mean>(); }

}  // namespace sigtape
