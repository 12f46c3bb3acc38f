#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace sigtape {

/// The element types of .npy files that are read.
enum class NpyType {
  float32,
  float64,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  boolean
};

/// A dense array in row-major (C) order and this machine's byte order, however
/// the file stored it.
struct NpyArray {
  NpyType type = NpyType::float64;
  /// Lengths of the dimensions; empty for a single number.
  std::vector<std::int64_t> shape;
  /// The product of `shape` times element_bytes(type).
  std::vector<std::byte> bytes;

  /// Number of elements.
  std::int64_t count() const;
  bool operator==(const NpyArray&) const = default;
};

/// Bytes of one element.
std::size_t element_bytes(NpyType type);
/// NumPy's name: "float32", "int64", "bool", ...
const char* name_of(NpyType type);
/// float32 or float64.
bool is_floating(NpyType type);

/// The elements in float64.
std::vector<double> to_doubles(const NpyArray& array);
/// The elements of an integer or boolean array. Floating-point arrays and
/// numbers above 2^63 - 1 are DataErrors that begin with `source`.
std::vector<std::int64_t> to_integers(const NpyArray& array,
                                      const std::string& source);

/// "(3, 4)", "(3,)", "()": a shape as NumPy writes it.
std::string shape_text(std::span<const std::int64_t> shape);

/// Reads a file of NumPy's format 1.0, 2.0 or 3.0, either byte order, C or
/// Fortran order. Throws FileError where reading fails, DataError
/// "FILE: what was expected, what was found" for other content, before
/// allocating anything that the file does not bear out.
NpyArray read_npy(const std::string& path);

/// The same from the file's content; `source` names it in messages.
NpyArray decode_npy(std::span<const std::byte> content,
                    const std::string& source);

/// The content of a file of format 1.0 (2.0 where the shape needs it). Throws
/// UsageError where bytes and shape do not match.
std::vector<std::byte> encode_npy(const NpyArray& array);

/// Writes a file that no crash can leave half written.
void write_npy(const std::string& path, const NpyArray& array);

/// The NpyType of a C++ number type.
template <class T>
constexpr NpyType npy_type_of() {
  constexpr bool is_signed = std::is_signed_v<T>;
  if constexpr (std::is_same_v<T, float>) return NpyType::float32;
  if constexpr (std::is_same_v<T, double>) return NpyType::float64;
  if constexpr (std::is_same_v<T, bool>) return NpyType::boolean;
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    if (sizeof(T) == 1) return is_signed ? NpyType::int8 : NpyType::uint8;
    if (sizeof(T) == 2) return is_signed ? NpyType::int16 : NpyType::uint16;
    if (sizeof(T) == 4) return is_signed ? NpyType::int32 : NpyType::uint32;
    return is_signed ? NpyType::int64 : NpyType::uint64;
  }
}

/// An array of `elements`, whose number is the product of `shape`.
template <class T>
NpyArray npy_array(std::vector<std::int64_t> shape,
                   std::span<const T> elements) {
  NpyArray array{npy_type_of<T>(), std::move(shape), {}};
  array.bytes.resize(elements.size_bytes());
  if (!elements.empty()) {
    std::memcpy(array.bytes.data(), elements.data(), elements.size_bytes());
  }
  return array;
}

}  // namespace sigtape
