#pragma once

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/tensor_series_kernels.h"

namespace sigtape {

/// The names under which a series is recorded; literals.
struct SeriesNames {
  const char* op;
  const char* backward;
  /// The derivative of that, which has none.
  const char* second;
};

/// Throws unless f(x) can be computed for rows of `shape` (its depth and
/// table are not read) at `depth`: UsageError where depth is below 1 or the
/// words cannot be counted, MemoryError where argument, result and scratch
/// memory, with `recorded` those of the backward pass too, exceed
/// available_memory(). Both begin with `op` and name the largest depth that
/// fits. Allocates nothing.
void require_series_fits(const char* op, const SeriesShape& shape,
                         std::int64_t depth, DType dtype, bool recorded);

/// f of every row of x (..., argument columns), as the operation `names.op`:
/// (..., result columns). Differentiable twice. The shapes have been checked;
/// shape.rows and, where it needs one, the table are filled in here.
Tensor tensor_series(const SeriesNames& names, const Tensor& x,
                     SeriesShape shape);

}  // namespace sigtape
