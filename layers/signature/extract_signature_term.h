#pragma once

#include <cstdint>

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/channels.h"

namespace sigtape {

/// The words of exactly `depth` letters of a signature (..., S) of that depth
/// or more: a view (..., channels^depth). Throws UsageError where S is not
/// signature_channels(channels, n, scalar_term) of an n >= depth.
Tensor extract_signature_term(const Tensor& signature, std::int64_t channels,
                              std::int64_t depth, bool scalar_term = false);

}  // namespace sigtape
