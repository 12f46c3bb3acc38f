#include "sigtape/layers/signature/channels.h"

#include <limits>

#include "sigtape/framework/check.h"

namespace sigtape {

namespace {

// Words of length 1 to `depth`, or -1 where that is not representable.
std::int64_t count_words(std::int64_t channels, std::int64_t depth) {
  std::int64_t sum = 0, power = 1;
  for (std::int64_t level = 1; level <= depth; ++level) {
    if (__builtin_mul_overflow(power, channels, &power)) return -1;
    if (__builtin_add_overflow(sum, power, &sum)) return -1;
  }
  return sum;
}

std::int64_t largest_depth(std::int64_t channels) {
  std::int64_t depth = 1;
  while (count_words(channels, depth + 1) > 0) ++depth;
  return depth;
}

}  // namespace

std::int64_t signature_channels(std::int64_t channels, std::int64_t depth,
                                bool scalar_term) {
  require(channels >= 1, "signature: expected at least 1 channel, got ",
          channels);
  require(depth >= 1, "signature: expected depth >= 1, got ", depth);
  // One channel has one word a level; its count never overflows.
  const std::int64_t words =
      channels == 1 ? depth : count_words(channels, depth);
  if (words < 0) {
    fail("signature: the number of words of length up to ", depth, " over ",
         channels, " channels is not representable; the largest depth is ",
         largest_depth(channels));
  }
  require(!scalar_term || words < std::numeric_limits<std::int64_t>::max(),
          "signature: depth ", depth, " is not representable");
  return words + (scalar_term ? 1 : 0);
}

std::int64_t level_offset(std::int64_t channels, std::int64_t level) {
  return level <= 1 ? 0 : signature_channels(channels, level - 1);
}

}  // namespace sigtape
