#include "sigtape/layers/recurrence.h"

#include <array>
#include <utility>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/optional.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/recurrence_kernels.h"

namespace sigtape {

namespace {

void check(Cell cell, const Tensor& inputs, const Tensor& weight,
           const Tensor& bias) {
  const char* op = name_of(cell);
  require_same_type(op, inputs, weight);
  const std::int64_t gates = gates_of(cell);
  const bool fits = inputs.rank() == 3 && weight.rank() == 2 &&
                    weight.size(0) == gates * weight.size(1) &&
                    inputs.size(2) == weight.size(0);
  require(fits, op, ": expected inputs (batch, length, ", gates,
          " * hidden) and weight (", gates, " * hidden, hidden), got ",
          inputs.shape(), " and ", weight.shape());
  if (!bias.defined()) return;
  require_same_type(op, inputs, bias);
  require(bias.shape() == Shape{weight.size(0)}, op, ": expected bias (",
          weight.size(0), "), got ", bias.shape());
}

struct Gradients {
  Tensor inputs, weight, bias;
};

// gates, own and out as the forward left them.
Gradients backward(const RecurrenceShape& s, const Tensor& grad,
                   const Tensor& weight, const Tensor& gates, const Tensor& own,
                   const Tensor& out, bool needs_weight, bool needs_bias) {
  const NoGrad no_grad;
  const TensorOptions options{gates.dtype(), gates.device()};
  Gradients d;
  d.inputs = empty(gates.shape(), options);
  Tensor d_own, carry_cell, carry = zeros({s.batch, s.hidden}, options);
  if (s.cell == Cell::gru) d_own = empty(out.shape(), options);
  if (s.cell == Cell::lstm) carry_cell = zeros({s.batch, s.hidden}, options);
  if (needs_weight) d.weight = empty(weight.shape(), options);
  const Tensor g = dense(grad), w = dense(weight);
  compute_with_memory(name_of(s.cell), gates, [&]<class T>(auto device, T) {
    if (!shapes_only()) {
      recurrence_backward(device, s, w.data<T>(), gates.data<T>(),
                          pointer<T>(own), out.data<T>(), g.data<T>(),
                          mutable_pointer<T>(d.inputs),
                          mutable_pointer<T>(d_own), mutable_pointer<T>(carry),
                          mutable_pointer<T>(carry_cell));
    }
    if (!needs_weight) return;
    recurrence_weight_gradient(device, s, out.data<T>(), d.inputs.data<T>(),
                               pointer<T>(d_own), mutable_pointer<T>(d.weight));
  });
  if (!needs_bias) return d;
  d.bias = sum(d.inputs, {0, 1});
  if (s.cell == Cell::gru) {
    const std::array<Tensor, 2> parts = {slice(d.bias, 0, 0, 2 * s.hidden),
                                         sum(d_own, {0, 1})};
    d.bias = concat(parts, 0);
  }
  return d;
}

// A gradient that has no derivative itself.
Tensor once(const Tensor& gradient, const Tensor& grad, const Tensor& weight) {
  return record_without_derivative("recurrence_backward", gradient,
                                   {grad, weight});
}

}  // namespace

const char* name_of(Cell cell) {
  constexpr const char* names[] = {"rnn", "gru", "lstm"};
  return names[static_cast<int>(cell)];
}

std::int64_t gates_of(Cell cell) {
  constexpr std::int64_t gates[] = {1, 3, 4};
  return gates[static_cast<int>(cell)];
}

Tensor recurrence(Cell cell, const Tensor& inputs, const Tensor& weight,
                  const Tensor& bias) {
  check(cell, inputs, weight, bias);
  const RecurrenceShape s{cell, inputs.size(0), inputs.size(1), weight.size(1)};
  const TensorOptions options{inputs.dtype(), inputs.device()};
  Tensor gates, own, out = empty({s.batch, s.length, s.hidden}, options);
  {
    const NoGrad no_grad;
    gates = clone(inputs);
    if (cell != Cell::rnn) own = empty(out.shape(), options);
    const Tensor w = clone(transpose(weight, 0, 1));
    const Tensor b = bias.defined() ? dense(bias) : zeros({s.width()}, options);
    compute_floating(name_of(cell), inputs, [&]<class T>(auto device, T) {
      recurrence_forward(device, s, w.data<T>(), b.data<T>(),
                         gates.mutable_data<T>(), mutable_pointer<T>(own),
                         out.mutable_data<T>());
    });
  }
  return record(name_of(cell), out, {inputs, weight, bias},
                {weight, gates, own, out}, [s](Backward& back) {
                  const Tensor& g = back.grad();
                  const Tensor w = back.saved(0);
                  Gradients d =
                      backward(s, g, w, back.saved(1), back.saved(2),
                               back.saved(3), back.needs(1), back.needs(2));
                  const auto add = [&](std::size_t input, Tensor& gradient) {
                    if (!back.needs(input)) return;
                    if (grad_enabled()) gradient = once(gradient, g, w);
                    back.add(input, std::move(gradient));
                  };
                  add(0, d.inputs);
                  add(1, d.weight);
                  add(2, d.bias);
                });
}

}  // namespace sigtape
