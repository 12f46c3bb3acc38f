#pragma once

#include "sigtape/framework/ops/gemm_kernels.h"
#include "sigtape/framework/tensor.h"

namespace sigtape {

/// A operand as the matrix kernels want it: the tensor itself where one of its
/// last two axes has stride 1, else a copy that is not recorded.
Tensor matrix_operand(const Tensor& a);

/// Sizes, pointers and strides of C (+)= A B over the last two axes, for
/// operands from matrix_operand. The rows of c are contiguous.
template <class T>
Gemm<T> gemm_of(Tensor& c, const Tensor& a, const Tensor& b) {
  Gemm<T> g;
  g.m = a.size(-2);
  g.n = b.size(-1);
  g.k = a.size(-1);
  g.a = a.data<T>();
  g.a_row = a.strides()[a.rank() - 2];
  g.a_col = a.strides()[a.rank() - 1];
  g.b = b.data<T>();
  g.b_row = b.strides()[b.rank() - 2];
  g.b_col = b.strides()[b.rank() - 1];
  g.c = c.mutable_data<T>();
  g.c_row = c.strides()[c.rank() - 2];
  return g;
}

/// C = A B for every matrix of the batch axes, which broadcast to c's; plus a
/// contiguous bias [n] in every row, on a CPU.
void multiply_matrices(Tensor& c, const Tensor& a, const Tensor& b,
                       const Tensor& bias = {});

}  // namespace sigtape
