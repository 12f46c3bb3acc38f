#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "sigtape/training/io/file_system.h"
#include "sigtape/training/io/named_array.h"

// The safetensors format of Hugging Face: eight bytes with the length of the
// header (little-endian), the header as JSON,
//
//   {"__metadata__": {"key": "text", ...},
//    "NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
//
// padded with spaces to a multiple of eight bytes, then the elements; offsets
// count from the end of the header, begin inclusive, end exclusive.

namespace sigtape {

/// What a safetensors file holds.
struct Safetensors {
  /// Texts by key, kept in `__metadata__`.
  std::map<std::string, std::string> metadata;
  /// The arrays; after reading, sorted by name.
  std::vector<NamedArray> arrays;
};

/// The array of that name, or nullptr.
const NamedArray* find_array(const Safetensors& content,
                             const std::string& name);

/// The bytes of a file. They depend on the content only, not on the order of
/// the arrays: 8-byte types first, then by name. Throws UsageError where two
/// arrays share a name, a name is "__metadata__" or no UTF-8, or an array's
/// bytes do not match its shape.
std::vector<std::byte> encode_safetensors(const Safetensors& content);

/// Reads the bytes of a file; `source` is its name in messages. Throws
/// DataError, naming file and array, unless header and data account for every
/// byte exactly once: a truncated file, a header of more than 100 MB, offsets
/// out of range, gaps, overlaps, a name twice, a type other than F32, F64 and
/// I64. Allocates nothing that `bytes` does not bear out.
Safetensors decode_safetensors(std::span<const std::byte> bytes,
                               const std::string& source);

/// Reads a file: FileError where that fails, else as decode_safetensors.
Safetensors read_safetensors(const std::filesystem::path& path);

/// Writes a file that no crash can leave half written (atomic_file.h).
void write_safetensors(FileSystem& system, const std::filesystem::path& path,
                       const Safetensors& content);

}  // namespace sigtape
