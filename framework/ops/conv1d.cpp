// y = conv1d(x, w) is linear in x and in w, so its two gradients are of the
// same kind: the rules of the three call each other, and any derivative of
// any order exists.
#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/conv1d_gradients.h"
#include "sigtape/framework/ops/conv1d_kernels.h"
#include "sigtape/framework/ops/optional.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

// Sizes from x (batch, length, in) and weight (out, in, kernel), without rows.
Conv1dShape shape_of(const Shape& x, const Shape& weight, Conv1dOptions o) {
  Conv1dShape s;
  s.batch = x[0];
  s.length = x[1];
  s.in = x[2];
  s.out = weight[0];
  s.kernel = weight[2];
  s.stride = o.stride;
  s.padding = o.padding;
  s.dilation = o.dilation;
  s.rows =
      (s.length + 2 * s.padding - s.dilation * (s.kernel - 1) - 1) / s.stride +
      1;
  return s;
}

void check(const Tensor& x, const Tensor& weight, const Tensor& bias,
           Conv1dOptions o) {
  require(x.rank() == 3,
          "conv1d: expected input (batch, length, channels), got ", x.shape());
  require_same_type("conv1d", x, weight);
  require(
      weight.rank() == 3 && weight.size(1) == x.size(2) && weight.size(2) >= 1,
      "conv1d: expected weight (out, ", x.size(2), ", kernel) for input ",
      x.shape(), ", got ", weight.shape());
  require(o.stride >= 1 && o.dilation >= 1 && o.padding >= 0,
          "conv1d: expected stride and dilation >= 1 and padding >= 0, got "
          "stride ",
          o.stride, ", dilation ", o.dilation, ", padding ", o.padding);
  const std::int64_t span = o.dilation * (weight.size(2) - 1) + 1;
  require(x.size(1) + 2 * o.padding >= span, "conv1d: the kernel spans ", span,
          " points, but input ", x.shape(), " with padding ", o.padding,
          " has ", x.size(1) + 2 * o.padding);
  if (!bias.defined()) return;
  require_same_type("conv1d", x, bias);
  require(bias.shape() == Shape{weight.size(0)}, "conv1d: expected bias (",
          weight.size(0), ") for weight ", weight.shape(), ", got ",
          bias.shape());
}

}  // namespace

Tensor conv1d_backward_input(const Tensor& dy, const Tensor& weight,
                             const Shape& x, Conv1dOptions options) {
  Tensor dx = empty(x, {dy.dtype(), dy.device()});
  const Tensor g = dense(dy), w = dense(weight);
  const Conv1dShape s = shape_of(x, weight.shape(), options);
  compute_with_memory("conv1d", dy, [&]<class T>(auto device, T) {
    conv1d_input_gradient(device, s, g.data<T>(), w.data<T>(),
                          dx.mutable_data<T>());
  });
  return record(
      "conv1d_backward_input", dx, {dy, weight}, {dy, weight},
      [options](Backward& b) {
        const Tensor& ddx = b.grad();
        const Tensor w = b.saved(1);
        if (b.needs(0)) b.add(0, conv1d(ddx, w, {}, options));
        if (b.needs(1)) {
          b.add(1, conv1d_backward_weight(b.saved(0), ddx, w.shape(), options));
        }
      });
}

Tensor conv1d_backward_weight(const Tensor& dy, const Tensor& x,
                              const Shape& weight, Conv1dOptions options) {
  Tensor dw = empty(weight, {dy.dtype(), dy.device()});
  const Tensor g = dense(dy), stream = dense(x);
  const Conv1dShape s = shape_of(x.shape(), weight, options);
  compute_with_memory("conv1d", dy, [&]<class T>(auto device, T) {
    conv1d_weight_gradient(device, s, g.data<T>(), stream.data<T>(),
                           dw.mutable_data<T>());
  });
  return record(
      "conv1d_backward_weight", dw, {dy, x}, {dy, x}, [options](Backward& b) {
        const Tensor& ddw = b.grad();
        const Tensor x = b.saved(1);
        if (b.needs(0)) b.add(0, conv1d(x, ddw, {}, options));
        if (b.needs(1)) {
          b.add(1, conv1d_backward_input(b.saved(0), ddw, x.shape(), options));
        }
      });
}

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              Conv1dOptions options) {
  check(x, weight, bias, options);
  const Conv1dShape s = shape_of(x.shape(), weight.shape(), options);
  Tensor y = empty({s.batch, s.rows, s.out}, {x.dtype(), x.device()});
  const Tensor stream = dense(x), w = dense(weight);
  const Tensor b = bias.defined() ? dense(bias) : bias;
  compute_with_memory("conv1d", x, [&]<class T>(auto device, T) {
    conv1d_forward(device, s, stream.data<T>(), w.data<T>(),
                   b.defined() ? b.data<T>() : nullptr, y.mutable_data<T>());
  });
  const Tensor none;
  return record(
      "conv1d", y, {x, weight, bias},
      {weight.requires_grad() ? x : none, x.requires_grad() ? weight : none},
      [options, sx = x.shape(), sw = weight.shape()](Backward& back) {
        const Tensor& g = back.grad();
        if (back.needs(0)) {
          back.add(0, conv1d_backward_input(g, back.saved(1), sx, options));
        }
        if (back.needs(1)) {
          back.add(1, conv1d_backward_weight(g, back.saved(0), sw, options));
        }
        if (back.needs(2)) back.add(2, sum(g, {0, 1}));
      });
}

}  // namespace sigtape
