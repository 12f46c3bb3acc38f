#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sigtape/framework/dtype.h"

namespace sigtape {

/// An array as a file holds it: named, dense, row-major, little-endian.
struct NamedArray {
  /// Such as "augment.convs.0.weight".
  std::string name;
  DType dtype = DType::float32;
  /// Lengths of the dimensions; empty for a single number.
  std::vector<std::int64_t> shape;
  /// The elements: byte_count(shape, dtype) bytes.
  std::vector<std::byte> bytes;

  bool operator==(const NamedArray&) const = default;
};

/// The product of `shape`. Throws DataError, with `what` in front, where a
/// length is negative or the product times 8 does not fit into 63 bits.
std::int64_t element_count(const std::vector<std::int64_t>& shape,
                           const std::string& what);

/// element_count times the size of an element. Throws as it does.
std::uint64_t byte_count(const std::vector<std::int64_t>& shape, DType dtype,
                         const std::string& what);

}  // namespace sigtape
