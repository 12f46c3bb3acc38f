#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/matmul_kernels.h"
#include "sigtape/framework/ops/reading.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

Shape batch_shape(const Tensor& a) {
  return Shape(a.shape().begin(), a.rank() - 2);
}

// The batch axes of `a` alone, as a view of its first elements.
Tensor batch_view(const Tensor& a) {
  return alias(a, batch_shape(a), Shape(a.strides().begin(), a.rank() - 2),
               a.impl()->offset);
}

// The walk over the products of the batch axes.
Strided<3> walk_of(const Tensor& c, const Tensor& a, const Tensor& b) {
  if (c.rank() > 2) {
    const Tensor vc = batch_view(c), va = batch_view(a), vb = batch_view(b);
    return read_strided<3>(vc.shape(), {&vc, &va, &vb});
  }
  count_copy(a);
  count_copy(b);
  return {};
}

// B with contiguous rows, unless it is given as B^T and dot products of that
// length are fast.
Tensor right_operand(const Tensor& a, const Tensor& b) {
  const Tensor operand = matrix_operand(b);
  const int rows = operand.rank() - 2, columns = operand.rank() - 1;
  const bool reads_columns = !b.device().is_cpu();
  if (operand.strides()[columns] == 1 || reads_columns) return operand;
  const bool dots = operand.strides()[rows] == 1 &&
                    a.strides()[a.rank() - 1] == 1 &&
                    gemm_prefers_dots(Cpu{}, b.size(-2));
  if (dots) return operand;
  const NoGrad no_grad;
  return clone(operand);
}

// Of matrices, with or without batch axes.
Tensor product(const Tensor& a, const Tensor& b) {
  Shape shape = broadcast_shapes("matmul", batch_shape(a), batch_shape(b));
  shape.push_back(a.size(-2));
  shape.push_back(b.size(-1));
  Tensor out = empty(shape, {a.dtype(), a.device()});
  multiply_matrices(out, a, b);
  const Tensor none;
  return record("matmul", out, {a, b},
                {b.requires_grad() ? a : none, a.requires_grad() ? b : none},
                [sa = a.shape(), sb = b.shape()](Backward& back) {
                  const Tensor& g = back.grad();
                  if (back.needs(0)) {
                    const Tensor b_t = transpose(back.saved(1), -2, -1);
                    back.add(0, sum_to(matmul(g, b_t), sa));
                  }
                  if (back.needs(1)) {
                    const Tensor a_t = transpose(back.saved(0), -2, -1);
                    back.add(1, sum_to(matmul(a_t, g), sb));
                  }
                });
}

Shape without(const Shape& shape, int dim) {
  Shape rest;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i != dim) rest.push_back(shape[i]);
  }
  return rest;
}

}  // namespace

Tensor matrix_operand(const Tensor& a) {
  const Shape& s = a.strides();
  if (s[a.rank() - 1] == 1 || s[a.rank() - 2] == 1) return a;
  const NoGrad no_grad;
  return clone(a);
}

void multiply_matrices(Tensor& c, const Tensor& a, const Tensor& b,
                       const Tensor& bias) {
  const Tensor lhs = matrix_operand(a), rhs = right_operand(lhs, b);
  const auto batch = walk_of(c, lhs, rhs);
  compute_with_memory("matmul", c, [&]<class T>(auto device, T) {
    Gemm<T> g = gemm_of<T>(c, lhs, rhs);
    g.bias = pointer<T>(bias);
    gemm(device, g, batch);
  });
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  require_same_type("matmul", a, b);
  const bool has_axes = a.rank() > 0 && b.rank() > 0;
  const auto shared = [&](const Tensor& t) {
    return t.rank() == 1 ? t.size(0) : t.size(-2);
  };
  require(has_axes && a.size(-1) == shared(b),
          "matmul: expected (..., m, k) and (..., k, n), got ", a.shape(),
          " and ", b.shape());
  if (a.rank() == 1) {
    const Tensor out = matmul(reshape(a, {1, a.size(0)}), b);
    return reshape(out,
                   without(out.shape(), out.rank() - (b.rank() == 1 ? 1 : 2)));
  }
  if (b.rank() == 1) {
    const Tensor out = matmul(a, reshape(b, {b.size(0), 1}));
    return reshape(out, without(out.shape(), out.rank() - 1));
  }
  if (a.rank() > 2 && b.rank() == 2) {  // one product of all rows
    Shape shape = a.shape();
    const std::int64_t k = a.size(-1);
    const std::int64_t rows = without(shape, shape.rank() - 1).numel();
    shape[shape.rank() - 1] = b.size(-1);
    return reshape(product(reshape(a, {rows, k}), b), shape);
  }
  return product(a, b);
}

}  // namespace sigtape
