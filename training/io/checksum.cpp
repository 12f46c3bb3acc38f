#include "sigtape/training/io/checksum.h"

#include <fmt/format.h>
#include <zlib.h>

namespace sigtape {

std::uint32_t crc32_of(std::span<const std::byte> bytes) {
  const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
  return static_cast<std::uint32_t>(
      ::crc32_z(::crc32_z(0, nullptr, 0), data, bytes.size()));
}

std::string crc32_text(std::uint32_t value) {
  return fmt::format("{:08x}", value);
}

}  // namespace sigtape
