#pragma once

#include "sigtape/framework/tensor.h"

namespace sigtape {

// Piecewise constant functions, for backward rules. Their derivative is 0
// wherever there is one, so they are never recorded.

/// -1, 0 or 1 (NaN for NaN), of a's shape and type.
Tensor sign_of(const Tensor& a);

/// Where a is not 0, as a condition of where().
Tensor not_zero(const Tensor& a);

/// 1 where a equals b and 0 elsewhere, of a's type; b broadcasts to a's shape.
Tensor equals(const Tensor& a, const Tensor& b);

}  // namespace sigtape
