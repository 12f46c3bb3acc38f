#pragma once

// One row of a tensor series, or one row in each lane: V is T or Vec<T>, or a
// Dual of one of them. All
// arrays hold elements of V in the order of a signature's columns, without
// scalar term. See tensor_series_kernels.h for the terms.

#include "sigtape/layers/signature/outer_product_simd.h"
#include "sigtape/layers/signature/tensor_series_table.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// z = x (x) (c + y) on levels 1 to `top`; y has levels 1 to top - 1.
template <class T, class V>
SIGTAPE_KERNEL void shifted_product(const cpu::Levels& levels, int top,
                                    const V* x, T c, const V* y, V* z) {
  for (int n = 1; n <= top; ++n) {
    V* __restrict out = z + levels.begin(n);
    const V* __restrict same = x + levels.begin(n);
    for (std::int64_t w = 0; w < levels.count(n); ++w) out[w] = same[w] * c;
    for (int k = 1; k < n; ++k)
      add_outer<T>(levels.count(k), x + levels.begin(k), levels.count(n - k),
                   y + levels.begin(n - k), out);
  }
}

/// Adds to dx, and writes dy, from dz.
template <class T, class V>
SIGTAPE_KERNEL void shifted_product_adjoint(const cpu::Levels& levels, int top,
                                            const V* x, T c, const V* y,
                                            const V* dz, V* dx, V* dy) {
  if (top > 1) {
    __builtin_memset(static_cast<void*>(dy), 0,
                     levels.up_to(top - 1) * sizeof(V));
  }
  for (int n = 1; n <= top; ++n) {
    const V* __restrict from = dz + levels.begin(n);
    V* __restrict same = dx + levels.begin(n);
    for (std::int64_t w = 0; w < levels.count(n); ++w) same[w] += from[w] * c;
    for (int k = 1; k < n; ++k)
      add_outer_adjoint<T>(levels.count(k), x + levels.begin(k),
                           levels.count(n - k), y + levels.begin(n - k), from,
                           dx + levels.begin(k), dy + levels.begin(n - k));
  }
}

/// The same product at the Lyndon words only, z being [count].
template <class T, class V>
SIGTAPE_KERNEL void lyndon_product(const LyndonTable& lyndon, const V* x, T c,
                                   const V* y, V* z) {
  const WordSplit* split = lyndon.splits;
  for (std::int64_t i = 0; i < lyndon.count; ++i) {
    V sum = x[lyndon.column[i]] * c;
    for (const WordSplit* end = lyndon.splits + lyndon.split_begin[i + 1];
         split < end; ++split)
      sum += x[split->prefix] * y[split->suffix];
    z[i] = sum;
  }
}

/// Adds to dx and dy from dz, which is [count].
template <class T, class V>
SIGTAPE_KERNEL void lyndon_product_adjoint(const LyndonTable& lyndon,
                                           const V* x, T c, const V* y,
                                           const V* dz, V* dx, V* dy) {
  const WordSplit* split = lyndon.splits;
  for (std::int64_t i = 0; i < lyndon.count; ++i) {
    const V from = dz[i];
    dx[lyndon.column[i]] += from * c;
    for (const WordSplit* end = lyndon.splits + lyndon.split_begin[i + 1];
         split < end; ++split) {
      dx[split->prefix] += from * y[split->suffix];
      dy[split->suffix] += from * x[split->prefix];
    }
  }
}

/// Coefficients of Lyndon words to those of brackets, in place: A^-1 by
/// substitution.
template <class T, class V>
SIGTAPE_KERNEL void words_to_brackets(const LyndonTable& lyndon, V* z) {
  const SparseRows& a = lyndon.words_of_brackets;
  for (std::int64_t row = 0; row < lyndon.count; ++row) {
    V sum = z[row];
    for (std::int64_t k = a.begin[row]; k < a.begin[row + 1]; ++k)
      sum -= z[a.column[k]] * static_cast<T>(a.coefficient[k]);
    z[row] = sum;
  }
}

/// The gradient with respect to brackets to that with respect to words.
template <class T, class V>
SIGTAPE_KERNEL void words_to_brackets_adjoint(const LyndonTable& lyndon,
                                              V* dz) {
  const SparseRows& a = lyndon.words_of_brackets;
  for (std::int64_t row = lyndon.count; row-- > 0;) {
    const V from = dz[row];
    for (std::int64_t k = a.begin[row]; k < a.begin[row + 1]; ++k)
      dz[a.column[k]] -= from * static_cast<T>(a.coefficient[k]);
  }
}

/// The coefficients of all `columns` words, from those of the brackets.
template <class T, class V>
SIGTAPE_KERNEL void expand_brackets(const LyndonTable& lyndon,
                                    std::int64_t columns, const V* z, V* x) {
  const SparseRows& a = lyndon.signature_of_brackets;
  for (std::int64_t row = 0; row < columns; ++row) {
    V sum = {};
    for (std::int64_t k = a.begin[row]; k < a.begin[row + 1]; ++k)
      sum += z[a.column[k]] * static_cast<T>(a.coefficient[k]);
    x[row] = sum;
  }
}

template <class T, class V>
SIGTAPE_KERNEL void expand_brackets_adjoint(const LyndonTable& lyndon,
                                            std::int64_t columns, const V* dx,
                                            V* dz) {
  const SparseRows& a = lyndon.signature_of_brackets;
  __builtin_memset(static_cast<void*>(dz), 0, lyndon.count * sizeof(V));
  for (std::int64_t row = 0; row < columns; ++row)
    for (std::int64_t k = a.begin[row]; k < a.begin[row + 1]; ++k)
      dz[a.column[k]] += dx[row] * static_cast<T>(a.coefficient[k]);
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
