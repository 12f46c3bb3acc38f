#pragma once

#include <cstdint>

namespace sigtape {

/// The sequences of random numbers that this folder draws from one seed: the
/// `stream` of philox, so that none shares numbers with another or with the
/// default generator (stream 0).
enum class RandomStream : std::uint64_t {
  /// Plus the epoch in the upper half: see epoch_order.
  epoch = 1,
  split,
  folds,
  random_inputs,
  random_targets,
  /// Of a generator: what each case is, and its noise.
  parameters,
  noise
};

}  // namespace sigtape
