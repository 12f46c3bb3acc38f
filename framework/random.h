#pragma once

#include <array>
#include <cstdint>

namespace sigtape {

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
/// 3", SC 2011): 128 random bits that are a function of key and counter only,
/// so any element of a sequence is had directly, on any thread or device.
std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter,
                                    std::uint64_t stream = 0);

/// Number `index` of a sequence of uniform numbers in [0, 1), 53 bits each.
double philox_uniform(std::uint64_t key, std::uint64_t index,
                      std::uint64_t stream = 0);

/// Number `index` of a sequence of standard normal numbers (Box-Muller).
double philox_normal(std::uint64_t key, std::uint64_t index,
                     std::uint64_t stream = 0);

/// A position in the sequence of a seed. Its whole state is these two numbers:
/// storing them is storing the generator.
struct Generator {
  std::uint64_t seed = 0;
  std::uint64_t offset = 0;

  /// The first of `count` numbers that are now the caller's.
  std::uint64_t reserve(std::uint64_t count) {
    const std::uint64_t first = offset;
    offset += count;
    return first;
  }
};

/// The generator of this thread that initialisation and dropout draw from.
Generator& default_generator();

/// Restarts the default generator from `seed`.
void manual_seed(std::uint64_t seed);

}  // namespace sigtape
