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

}  // namespace sigtape
