#include "sigtape/layers/recurrent.h"

#include <cmath>
#include <utility>

#include "sigtape/framework/ops.h"

namespace sigtape {

Recurrent::Recurrent(Cell cell, RecurrentOptions options)
    : cell_(cell), options_(std::move(options)) {
  set_name(options_.name);
  require(options_.hidden >= 1, type(), ": expected hidden >= 1, got ",
          options_.hidden);
  require(options_.layers >= 1, type(), ": expected layers >= 1, got ",
          options_.layers);
}

ValueShape Recurrent::on_build(const ValueShape& input, TensorOptions options) {
  require_input(input.is_stream(), input, "a stream");
  const std::int64_t hidden = options_.hidden, rows = gates_of(cell_) * hidden;
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  const auto draw = [&](const std::string& name, const Shape& shape) {
    return add_parameter(name, uniform(shape, -bound, bound, options));
  };
  weights_.clear();
  for (std::int64_t i = 0; i < options_.layers; ++i) {
    const std::string end = "_l" + std::to_string(i);
    Weights w;
    w.input = draw("weight_ih" + end, {rows, i ? hidden : input.channels});
    w.hidden = draw("weight_hh" + end, {rows, hidden});
    if (options_.bias) {
      w.input_bias = draw("bias_ih" + end, {rows});
      w.hidden_bias = draw("bias_hh" + end, {rows});
    }
    weights_.push_back(std::move(w));
  }
  return {input.length, hidden, input.unequal};
}

Value Recurrent::on_forward(const Value& x) {
  Value h = x;
  for (const Weights& w : weights_) {
    h.data = recurrence(cell_, linear(h.data, w.input, w.input_bias), w.hidden,
                        w.hidden_bias);
  }
  return h;
}

ModulePtr rnn(RecurrentOptions options) {
  return std::make_shared<Recurrent>(Cell::rnn, std::move(options));
}
ModulePtr gru(RecurrentOptions options) {
  return std::make_shared<Recurrent>(Cell::gru, std::move(options));
}
ModulePtr lstm(RecurrentOptions options) {
  return std::make_shared<Recurrent>(Cell::lstm, std::move(options));
}

}  // namespace sigtape
