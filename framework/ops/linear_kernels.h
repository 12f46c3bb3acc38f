#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops/row_runs.h"

namespace sigtape {

/// Whether the functions below do a linear map of `in` to `out` numbers on
/// `rows` rows, and faster than matrix products.
bool linear_is_narrow(Cpu, std::int64_t rows, std::int64_t in,
                      std::int64_t out);

/// y [rows, out] = x weight^T + bias, of weight [out, width], bias [out] or
/// null.
template <class T>
void linear_narrow(Cpu, const RowRuns<T>& x, std::int64_t out, const T* weight,
                   const T* bias, T* y);

/// The gradients dweight [out, width] and dbias [out] from dy [rows, out], in
/// one pass; either may be null. Sums follow from the shape alone.
template <class T>
void linear_narrow_gradients(Cpu, const RowRuns<T>& x, std::int64_t out,
                             const T* dy, T* dweight, T* dbias);

/// The gradients of y = x weight^T + bias from dy [rows, out], of x [rows, in]
/// and weight [out, in], all contiguous: dx, dweight and dbias, overwritten.
template <class T>
struct LinearGradients {
  std::int64_t rows = 0, in = 0, out = 0;
  const T *x = nullptr, *weight = nullptr, *dy = nullptr;
  T *dx = nullptr, *dweight = nullptr;
  T* dbias = nullptr;  // may be null
};

/// Whether there are so few rows and weights that all gradients at once are
/// faster than one product after another.
bool linear_gradients_fit(Cpu, std::int64_t rows, std::int64_t in,
                          std::int64_t out);

/// Sums follow from the shape alone.
template <class T>
void linear_gradients(Cpu, const LinearGradients<T>& g);

}  // namespace sigtape
