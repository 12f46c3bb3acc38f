#pragma once

#include <cstdint>

#include "sigtape/framework/host_device.h"

namespace sigtape {

/// 128 random bits.
struct PhiloxBits {
  std::uint32_t word[4];
};

/// Philox4x32-10 for every device: see random.h.
SIGTAPE_HOST_DEVICE inline PhiloxBits philox_bits(std::uint64_t key,
                                                  std::uint64_t counter,
                                                  std::uint64_t stream) {
  PhiloxBits c = {{static_cast<std::uint32_t>(counter),
                   static_cast<std::uint32_t>(counter >> 32),
                   static_cast<std::uint32_t>(stream),
                   static_cast<std::uint32_t>(stream >> 32)}};
  std::uint32_t k0 = static_cast<std::uint32_t>(key);
  std::uint32_t k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * c.word[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * c.word[2];
    c = {{static_cast<std::uint32_t>(b >> 32) ^ c.word[1] ^ k0,
          static_cast<std::uint32_t>(b),
          static_cast<std::uint32_t>(a >> 32) ^ c.word[3] ^ k1,
          static_cast<std::uint32_t>(a)}};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

/// 53 random bits as a number in [0, 1).
SIGTAPE_HOST_DEVICE inline double philox_to_unit(std::uint32_t high,
                                                 std::uint32_t low) {
  const std::uint64_t bits = (std::uint64_t{high} << 32 | low) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

/// philox_uniform of random.h.
SIGTAPE_HOST_DEVICE inline double philox_uniform_at(std::uint64_t key,
                                                    std::uint64_t index,
                                                    std::uint64_t stream) {
  const PhiloxBits b = philox_bits(key, index / 2, stream);
  return index % 2 == 0 ? philox_to_unit(b.word[0], b.word[1])
                        : philox_to_unit(b.word[2], b.word[3]);
}

}  // namespace sigtape
