#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sigtape {

/// An array as a file holds it: named, dense, row-major, little-endian.
struct NamedArray {
  /// The types that this library stores.
  enum class Type { float32, float64, int64 };

  /// Such as "augment.convs.0.weight".
  std::string name;
  Type type = Type::float32;
  /// Lengths of the dimensions; empty for a single number.
  std::vector<std::int64_t> shape;
  /// The elements: their number (the product of `shape`) times element_bytes.
  std::vector<std::byte> bytes;

  bool operator==(const NamedArray&) const = default;
};

/// 4 for float32, 8 for the others.
std::size_t element_bytes(NamedArray::Type type);

/// The product of `shape`. Throws DataError, with `what` in front, where a
/// length is negative or the product times 8 does not fit into 63 bits.
std::int64_t element_count(const std::vector<std::int64_t>& shape,
                           const std::string& what);

}  // namespace sigtape
