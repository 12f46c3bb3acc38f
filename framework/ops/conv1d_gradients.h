#pragma once

#include "sigtape/framework/ops.h"

/// The two gradients of <dy, conv1d(x, weight)> as operations of their own,
/// linear in each argument and differentiable any number of times.
namespace sigtape {

/// That with respect to x, of shape `x`.
Tensor conv1d_backward_input(const Tensor& dy, const Tensor& weight,
                             const Shape& x, Conv1dOptions options);

/// That with respect to the weight, of shape `weight`.
Tensor conv1d_backward_weight(const Tensor& dy, const Tensor& x,
                              const Shape& weight, Conv1dOptions options);

}  // namespace sigtape
