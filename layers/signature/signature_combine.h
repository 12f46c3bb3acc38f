#pragma once

#include <cstdint>

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/channels.h"

namespace sigtape {

/// The signature of two paths run one after the other from their signatures
/// (batch, S), S = signature_channels(channels, depth, scalar_term): by Chen's
/// identity (Chen 1957) the product in the truncated tensor algebra,
/// first (x) second. With `inverse` both are inverse signatures and so is the
/// result, second (x) first. A scalar term is taken to be 1 and its gradient
/// is 0. Differentiable in both; throws UsageError naming what does not fit.
Tensor signature_combine(const Tensor& first, const Tensor& second,
                         std::int64_t channels, std::int64_t depth,
                         bool inverse = false, bool scalar_term = false);

/// The same for any number of signatures of one path's consecutive pieces,
/// the earliest first; multiplied up from left to right. Throws UsageError for
/// an empty list too.
Tensor multi_signature_combine(TensorList signatures, std::int64_t channels,
                               std::int64_t depth, bool inverse = false,
                               bool scalar_term = false);

}  // namespace sigtape
