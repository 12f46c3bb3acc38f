#pragma once

#include <cstdint>
#include <iosfwd>
#include <type_traits>

namespace sigtape {

/// Element types. int64 is for targets, indices and lengths: no gradients.
enum class DType { float32, float64, int64 };

/// Bytes of one element.
constexpr std::int64_t size_of(DType type) {
  return type == DType::float32 ? 4 : 8;
}

constexpr bool is_floating(DType type) { return type != DType::int64; }

/// "float32", "float64" or "int64".
const char* name_of(DType type);

std::ostream& operator<<(std::ostream& out, DType type);

/// The DType of float, double or std::int64_t.
template <class T>
constexpr DType dtype_of() {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double> ||
                std::is_same_v<T, std::int64_t>);
  if constexpr (std::is_same_v<T, float>) return DType::float32;
  if constexpr (std::is_same_v<T, double>) return DType::float64;
  return DType::int64;
}

}  // namespace sigtape
