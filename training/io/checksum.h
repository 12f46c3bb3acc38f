#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sigtape {

/// The CRC-32 of ISO 3309 (that of zip and PNG) of `bytes`. Every single
/// flipped bit and every burst of up to 32 bits changes it.
std::uint32_t crc32_of(std::span<const std::byte> bytes);

/// A CRC-32 as its eight lower-case hexadecimal digits.
std::string crc32_text(std::uint32_t value);

}  // namespace sigtape
