#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/matmul_kernels.h"
#include "sigtape/framework/ops/optional.h"
#include "sigtape/framework/ops/stream_net_kernels.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

void check(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  require_same_type("linear", x, weight);
  const bool fits =
      x.rank() >= 1 && weight.rank() == 2 && x.size(-1) == weight.size(1);
  require(fits, "linear: expected x (..., in) and weight (out, in), got ",
          x.shape(), " and ", weight.shape());
  if (!bias.defined()) return;
  require_same_type("linear", x, bias);
  require(bias.shape() == Shape{weight.size(0)}, "linear: expected bias (",
          weight.size(0), "), got ", bias.shape());
}

// Few channels on many rows are a network on the points of a stream: matrix
// products would leave most of a vector empty.
constexpr std::int64_t kNarrow = 16;
constexpr std::int64_t kManyRows = 256;

StreamNetShape net_shape(const Tensor& x, const Tensor& weight) {
  StreamNetShape s;
  s.batch = 1;
  s.length = x.size(0);
  s.in = weight.size(1);
  s.layers = 1;
  s.sizes[0] = weight.size(0);
  return s;
}

bool is_narrow(const Tensor& x, const Tensor& weight) {
  return x.device().is_cpu() && x.size(0) >= kManyRows &&
         weight.size(0) < kNarrow &&
         stream_net_fits(Cpu{}, net_shape(x, weight));
}

void multiply_narrow(Tensor& out, const Tensor& x, const Tensor& weight,
                     const Tensor& bias) {
  const Tensor rows = dense(x), w = dense(weight), b = dense(bias);
  dispatch_floating("linear", out, [&]<class T>(auto device, T) {
    StreamNetWeights<T> weights;
    weights.weight[0] = w.data<T>();
    weights.bias[0] = pointer<T>(b);
    stream_net_forward(device, net_shape(x, w), weights, rows.data<T>(),
                       nullptr, out.mutable_data<T>());
  });
}

// The gradients of weight and bias in one pass.
void add_narrow_gradients(Backward& back, const Tensor& x, Shape weight) {
  const Tensor rows = dense(x), dy = dense(back.grad());
  const TensorOptions options = {x.dtype(), x.device()};
  Tensor dw = empty(weight, options), db = empty({weight[0]}, options);
  dispatch_floating("linear", dw, [&]<class T>(auto device, T) {
    StreamNetGradients<T> to;
    to.weight[0] = dw.mutable_data<T>();
    to.bias[0] = db.mutable_data<T>();
    // No weights: a single layer reads them for dx only.
    stream_net_backward(device, net_shape(x, dw), StreamNetWeights<T>(),
                        rows.data<T>(), dy.data<T>(), to);
  });
  if (back.needs(1)) back.add(1, dw);
  if (back.needs(2)) back.add(2, db);
}

// x (rows, in) -> (rows, out).
Tensor linear_rows(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  Tensor out = empty({x.size(0), weight.size(0)}, {x.dtype(), x.device()});
  const bool narrow = is_narrow(x, weight);
  if (narrow) {
    multiply_narrow(out, x, weight, bias);
  } else {
    const NoGrad no_grad;
    multiply_matrices(out, x, transpose(matrix_operand(weight), 0, 1));
    if (bias.defined()) out.add_(expand(bias, out.shape()));
  }
  const Tensor none;
  return record(
      "linear", out, {x, weight, bias},
      {weight.requires_grad() ? x : none, x.requires_grad() ? weight : none},
      [narrow, shape = weight.shape()](Backward& back) {
        const Tensor& g = back.grad();
        if (back.needs(0)) back.add(0, matmul(g, back.saved(1)));
        if (back.needs(1) && narrow && !grad_enabled()) {
          return add_narrow_gradients(back, back.saved(0), shape);
        }
        if (back.needs(1)) {
          back.add(1, matmul(transpose(g, 0, 1), back.saved(0)));
        }
        if (back.needs(2)) back.add(2, sum(g, {0}));
      });
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check(x, weight, bias);
  if (x.rank() == 2) return linear_rows(x, weight, bias);
  Shape shape = x.shape();
  const std::int64_t in = weight.size(1);
  const std::int64_t rows = Shape(shape.begin(), shape.rank() - 1).numel();
  shape[shape.rank() - 1] = weight.size(0);
  return reshape(linear_rows(reshape(x, {rows, in}), weight, bias), shape);
}

}  // namespace sigtape
