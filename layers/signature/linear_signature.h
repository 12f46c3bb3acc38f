#pragma once

#include "sigtape/framework/tensor.h"

namespace sigtape {

/// Whether linear_signature takes these inputs and beats the two operations it
/// stands for: depth 2, on a CPU, a weight (out, in) with out < 16 and in <=
/// 64, and a path whose own gradient is not asked for. Never under anomaly
/// detection, which is to name one operation or the other.
bool linear_signature_fits(const Tensor& path, const Tensor& weight,
                           std::int64_t depth);

/// signature(linear(path, weight, bias), 2) of a path (batch, length, in) with
/// 2 points at least: (batch, out + out^2). The points are read once and
/// neither mapped ones nor their gradients are stored: see
/// linear_signature_kernels.h. `bias` (out), which may be undefined, moves the
/// path and has no effect; its gradient is 0. Throws UsageError for shapes
/// that do not fit, and where linear_signature_fits is false.
Tensor linear_signature(const Tensor& path, const Tensor& weight,
                        const Tensor& bias);

}  // namespace sigtape
