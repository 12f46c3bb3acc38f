#include "sigtape/framework/random.h"

#include <cmath>
#include <numbers>

#include "sigtape/framework/philox.h"

namespace sigtape {

std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter,
                                    std::uint64_t stream) {
  const PhiloxBits b = philox_bits(key, counter, stream);
  return {b.word[0], b.word[1], b.word[2], b.word[3]};
}

double philox_uniform(std::uint64_t key, std::uint64_t index,
                      std::uint64_t stream) {
  return philox_uniform_at(key, index, stream);
}

double philox_normal(std::uint64_t key, std::uint64_t index,
                     std::uint64_t stream) {
  const PhiloxBits bits = philox_bits(key, index / 2, stream);
  const double radius =
      std::sqrt(-2 * std::log(1 - philox_to_unit(bits.word[0], bits.word[1])));
  const double angle =
      2 * std::numbers::pi * philox_to_unit(bits.word[2], bits.word[3]);
  return radius * (index % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

Generator& default_generator() {
  thread_local Generator generator;
  return generator;
}

void manual_seed(std::uint64_t seed) { default_generator() = {seed, 0}; }

}  // namespace sigtape
