#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/matmul_kernels.h"
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

// x (rows, in) -> (rows, out).
Tensor linear_rows(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  Tensor out = empty({x.size(0), weight.size(0)}, {x.dtype(), x.device()});
  {
    const NoGrad no_grad;
    multiply_matrices(out, x, transpose(matrix_operand(weight), 0, 1));
    if (bias.defined()) out.add_(expand(bias, out.shape()));
  }
  const Tensor none;
  return record(
      "linear", out, {x, weight, bias},
      {weight.requires_grad() ? x : none, x.requires_grad() ? weight : none},
      [](Backward& back) {
        const Tensor& g = back.grad();
        if (back.needs(0)) back.add(0, matmul(g, back.saved(1)));
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
