#include "sigtape/framework/random.h"

#include <cmath>
#include <numbers>

namespace sigtape {

namespace {

double to_unit(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (std::uint64_t{high} << 32 | low) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter,
                                    std::uint64_t stream) {
  auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  auto high = [](std::uint64_t x) {
    return static_cast<std::uint32_t>(x >> 32);
  };
  std::array<std::uint32_t, 4> c = {low(counter), high(counter), low(stream),
                                    high(stream)};
  std::uint32_t k0 = low(key), k1 = high(key);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * c[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * c[2];
    c = {high(b) ^ c[1] ^ k0, low(b), high(a) ^ c[3] ^ k1, low(a)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

double philox_uniform(std::uint64_t key, std::uint64_t index,
                      std::uint64_t stream) {
  const auto bits = philox(key, index / 2, stream);
  return index % 2 == 0 ? to_unit(bits[0], bits[1]) : to_unit(bits[2], bits[3]);
}

double philox_normal(std::uint64_t key, std::uint64_t index,
                     std::uint64_t stream) {
  const auto bits = philox(key, index / 2, stream);
  const double radius = std::sqrt(-2 * std::log(1 - to_unit(bits[0], bits[1])));
  const double angle = 2 * std::numbers::pi * to_unit(bits[2], bits[3]);
  return radius * (index % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

Generator& default_generator() {
  thread_local Generator generator;
  return generator;
}

void manual_seed(std::uint64_t seed) { default_generator() = {seed, 0}; }

}  // namespace sigtape
