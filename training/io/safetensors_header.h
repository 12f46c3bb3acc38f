#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sigtape/training/io/named_array.h"

namespace sigtape {

/// The key of a safetensors header that names no tensor.
inline constexpr const char* metadata_key = "__metadata__";

/// One tensor of a safetensors header, as the file states it.
struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::float32;
  std::vector<std::int64_t> shape;
  /// data_offsets; not yet compared with shape or file.
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// A safetensors header.
struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsEntry> entries;
};

/// Reads the JSON of a header. Throws DataError, with `source` in front, where
/// it is no JSON, has another form, a key twice, or a dtype other than F32, F64
/// and I64.
SafetensorsHeader parse_safetensors_header(std::string_view text,
                                           const std::string& source);

}  // namespace sigtape
