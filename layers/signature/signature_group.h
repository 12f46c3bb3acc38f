#pragma once

#include <cstdint>
#include <span>

#include "sigtape/framework/tensor.h"

/// What can be done to signatures (batch, S) without their paths, beside
/// combining them (signature_combine.h). All are differentiable, and throw
/// UsageError naming what does not fit.
namespace sigtape {

/// The inverse of elements 1 + s of the truncated tensor algebra, with
/// s (batch, S): 1 - s + s (x) s - ... For signatures this is that of the path
/// run backwards.
Tensor signature_inverse(const Tensor& signature, std::int64_t channels,
                         std::int64_t depth, bool scalar_term = false);

/// The signature of a path that goes on by a straight `increment` (batch,
/// channels) after its end, signature (x) exp(increment), or, with `front`,
/// that comes from there before its start. It costs what one increment of
/// a signature does.
Tensor signature_join(const Tensor& signature, const Tensor& increment,
                      std::int64_t depth, bool front = false,
                      bool scalar_term = false);

/// The signature of the path scaled by a factor per channel, or by the same
/// one where there is only one: words times the product of their letters'
/// factors.
Tensor signature_dilate(const Tensor& signature, std::int64_t channels,
                        std::int64_t depth, std::span<const double> factors,
                        bool scalar_term = false);

}  // namespace sigtape
