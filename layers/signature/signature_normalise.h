#pragma once

#include <cstdint>

#include "sigtape/framework/tensor.h"

namespace sigtape {

/// The tensor normalisation of Chevyrev and Oberhauser ("Signature moments to
/// characterize laws of stochastic processes", 2018, arXiv:1810.10971) of
/// signatures (batch, S), S = signature_channels(channels, depth, scalar_term):
/// level k times lambda^k, where lambda is the largest number up to 1 with
///
///   1 + sum_k lambda^(2k) |S_k|^2 = psi(1 + sum_k |S_k|^2),
///   psi(x) = x for x <= bound, bound + bound^2 (1 / bound - 1 / x) beyond,
///
/// so that the squared norm stays below 2 bound, and signatures of bounded ones
/// are kept. bound >= 1. Differentiable, twice too. Throws UsageError for
/// wrong shapes and types.
Tensor signature_normalise(const Tensor& signature, std::int64_t channels,
                           std::int64_t depth, double bound = 4,
                           bool scalar_term = false);

}  // namespace sigtape
