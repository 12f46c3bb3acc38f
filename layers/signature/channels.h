#pragma once

#include <cstdint>

namespace sigtape {

/// Number of words of length 1 to `depth` over `channels` letters,
/// channels + channels^2 + ... + channels^depth, plus one with `scalar_term`:
/// the size of a truncated signature. Throws UsageError when channels or depth
/// is below 1, or when the number is not representable (it names the largest
/// depth that is).
std::int64_t signature_channels(std::int64_t channels, std::int64_t depth,
                                bool scalar_term = false);

/// Position of the first word of length `level` in a signature without scalar
/// term: channels + ... + channels^(level - 1). `level` in 1 to depth + 1.
std::int64_t level_offset(std::int64_t channels, std::int64_t level);

}  // namespace sigtape
