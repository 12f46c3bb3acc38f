#pragma once

#include <cstdint>

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/logsignature.h"

/// What can be done to log-signatures (batch, columns) without their paths: by
/// way of their signatures, exp and log. All are differentiable, twice too, and
/// throw UsageError naming what does not fit.
namespace sigtape {

/// The log-signature of two paths run one after the other:
/// log(exp(first) (x) exp(second)) (Baker, Campbell and Hausdorff).
Tensor logsignature_combine(const Tensor& first, const Tensor& second,
                            std::int64_t channels, std::int64_t depth,
                            LogSignatureMode mode = LogSignatureMode::words);

/// The log-signature of a path that goes on by a straight `increment` (batch,
/// channels) after its end or, with `front`, comes from there.
Tensor logsignature_join(const Tensor& logsignature, const Tensor& increment,
                         std::int64_t depth,
                         LogSignatureMode mode = LogSignatureMode::words,
                         bool front = false);

/// A path of depth + 1 points whose log-signature comes close: invert_signature
/// of the exponential.
Tensor invert_logsignature(const Tensor& logsignature, std::int64_t depth,
                           std::int64_t channels,
                           LogSignatureMode mode = LogSignatureMode::words,
                           const Tensor& initial_position = {});

/// The signature of straight lines (batch, channels): exp(increment), (batch,
/// S). Its logarithm has the increment on the first level and 0 elsewhere.
Tensor linear_signature(const Tensor& increment, std::int64_t depth,
                        bool scalar_term = false);

}  // namespace sigtape
