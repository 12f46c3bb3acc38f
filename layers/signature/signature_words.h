#pragma once

#include <cstdint>

namespace sigtape {

/// channels^level, for a level whose number of words is representable.
constexpr std::int64_t words_of_level(std::int64_t channels, int level) {
  std::int64_t words = 1;
  for (int k = 0; k < level; ++k) words *= channels;
  return words;
}

/// The word of `level` letters spelt backwards.
constexpr std::int64_t reversed_word(std::int64_t word, std::int64_t channels,
                                     int level) {
  std::int64_t reversed = 0;
  for (int k = 0; k < level; ++k) {
    reversed = reversed * channels + word % channels;
    word /= channels;
  }
  return reversed;
}

}  // namespace sigtape
