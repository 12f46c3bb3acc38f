#pragma once

#include "sigtape/framework/tensor.h"

namespace sigtape {

/// The log-signature of each path (batch, 2, channels) of one increment dx:
/// log(exp(dx)) = dx, whose letters come first in every mode, and zeros:
/// (batch, columns), columns >= channels. On the CPU and one thread, for a few
/// small paths; differentiable any number of times.
Tensor increment_logsignature(const Tensor& path, std::int64_t columns);

}  // namespace sigtape
