#pragma once

#include <cstdint>

#include "sigtape/framework/tensor.h"

namespace sigtape {

/// A path of depth + 1 points whose signature comes close to `signature`
/// (batch, S), S = signature_channels(channels, depth), by the insertion
/// method (Chang and Lyons 2019; Kidger and Lyons, "Signatory", 2021):
/// (batch, depth + 1, channels). Increment i, of N = depth, is
///
///   sum_w S_{N-1}[w] S_N[w with c inserted at place i] / |S_{N-1}|^2
///
/// in channel c; with depth 1 the one increment is the signature itself. The
/// path starts at `initial_position` (batch, channels), or at the origin where
/// that is undefined. Differentiable, derivatives included. Where S_{N-1} is 0
/// the result is not finite. Throws UsageError for wrong shapes and types.
Tensor invert_signature(const Tensor& signature, std::int64_t depth,
                        std::int64_t channels,
                        const Tensor& initial_position = {});

}  // namespace sigtape
