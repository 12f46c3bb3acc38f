#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sigtape::config {

/// A number that was read, or why it was not: `hint` is empty for a text that
/// is nothing like a number, else a remark for a message.
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string hint;
};

/// A decimal integer of 64 bits: an optional sign and digits without a leading
/// zero.
Parsed<std::int64_t> parse_integer(const std::string& text);

/// A finite decimal number; of the integer part no leading zero.
Parsed<double> parse_number(const std::string& text);

/// An integer with an optional unit KiB, MiB or GiB.
Parsed<std::int64_t> parse_bytes(const std::string& text);

/// Whether a text can only be meant as a number: digits, signs, points and
/// exponents, or a name of NaN or infinity.
bool looks_numeric(const std::string& text);

}  // namespace sigtape::config
