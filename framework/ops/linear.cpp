#include <utility>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/linear_kernels.h"
#include "sigtape/framework/ops/matmul_kernels.h"
#include "sigtape/framework/ops/reading.h"
#include "sigtape/framework/ops/row_runs.h"
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

void multiply_narrow(Tensor& out, const Tensor& x, const Tensor& weight,
                     const Tensor& bias) {
  const Tensor rows = dense_rows(x), w = dense(weight), b = dense(bias);
  compute_with_memory("linear", out, [&]<class T>(auto, T) {
    linear_narrow(Cpu{}, row_runs<T>(rows), w.size(0), w.data<T>(),
                  pointer<T>(b), out.mutable_data<T>());
  });
}

// The gradients of weight and bias in one pass.
void add_narrow_gradients(Backward& back, const Tensor& x, Shape weight) {
  const Tensor rows = dense_rows(x), dy = dense(back.grad());
  const TensorOptions options = {x.dtype(), x.device()};
  Tensor dw, db;
  if (back.needs(1)) dw = empty(weight, options);
  if (back.needs(2)) db = empty({weight[0]}, options);
  compute_with_memory("linear", rows, [&]<class T>(auto, T) {
    linear_narrow_gradients(Cpu{}, row_runs<T>(rows), weight[0], dy.data<T>(),
                            mutable_pointer<T>(dw), mutable_pointer<T>(db));
  });
  if (back.needs(1)) back.add(1, std::move(dw));
  if (back.needs(2)) back.add(2, std::move(db));
}

// The gradients of x, weight and, where it is wanted, bias at once, if that is
// faster.
bool add_gradients(Backward& back) {
  const bool all = back.needs(0) && back.needs(1) && !grad_enabled();
  if (!all || !back.grad().device().is_cpu()) return false;
  const Tensor x = dense(back.saved(0)), weight = dense(back.saved(1));
  const std::int64_t rows = x.size(0), in = x.size(1), out = weight.size(0);
  if (!linear_gradients_fit(Cpu{}, rows, in, out)) return false;
  const Tensor dy = dense(back.grad());
  Tensor dx = empty_like(x), dw = empty_like(weight), db;
  if (back.needs(2)) db = empty({out}, {x.dtype(), x.device()});
  compute_with_memory("linear", x, [&]<class T>(auto, T) {
    linear_gradients<T>(Cpu{}, {rows, in, out, x.data<T>(), weight.data<T>(),
                                dy.data<T>(), dx.mutable_data<T>(),
                                dw.mutable_data<T>(), mutable_pointer<T>(db)});
  });
  back.add(0, std::move(dx));
  back.add(1, std::move(dw));
  if (back.needs(2)) back.add(2, std::move(db));
  return true;
}

// x (rows, in) -> (rows, out).
Tensor linear_rows(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  Tensor out = empty({x.size(0), weight.size(0)}, {x.dtype(), x.device()});
  const bool narrow =
      x.device().is_cpu() &&
      linear_is_narrow(Cpu{}, x.size(0), x.size(1), weight.size(0));
  if (narrow) {
    multiply_narrow(out, x, weight, bias);
  } else {
    const NoGrad no_grad;
    const bool here = x.device().is_cpu();
    multiply_matrices(out, x, transpose(matrix_operand(weight), 0, 1),
                      here ? dense(bias) : Tensor());
    if (bias.defined() && !here) out.add_(expand(bias, out.shape()));
  }
  const Tensor none;
  return record(
      "linear", out, {x, weight, bias},
      {weight.requires_grad() ? x : none, x.requires_grad() ? weight : none},
      [narrow, shape = weight.shape()](Backward& back) {
        if (add_gradients(back)) return;
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
