#include "sigtape/training/io/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "sigtape/framework/check.h"
#include "sigtape/training/io/atomic_file.h"
#include "sigtape/training/io/files.h"
#include "sigtape/training/io/memory.h"
#include "sigtape/training/io/safetensors_header.h"

namespace sigtape {
namespace {

constexpr std::size_t length_bytes = 8;
constexpr std::uint64_t longest_header = 100'000'000;

const char* dtype_name(DType type) {
  switch (type) {
    case DType::float32:
      return "F32";
    case DType::float64:
      return "F64";
    case DType::int64:
      return "I64";
  }
  return "";
}

bool before(const NamedArray* left, const NamedArray* right) {
  const auto left_size = size_of(left->dtype);
  const auto right_size = size_of(right->dtype);
  if (left_size != right_size) return left_size > right_size;
  return left->name < right->name;
}

void check_array(const NamedArray& array) {
  require(array.name != metadata_key, "safetensors: no array may be named '",
          metadata_key, "'");
  const std::uint64_t expected = byte_count(
      array.shape, array.dtype, "safetensors: array '" + array.name + "'");
  require(array.bytes.size() == expected, "safetensors: array '", array.name,
          "': expected ", expected, " bytes for its shape, got ",
          array.bytes.size());
}

/// The arrays in the order of the file.
std::vector<const NamedArray*> file_order(const Safetensors& content) {
  std::vector<const NamedArray*> order;
  for (const NamedArray& array : content.arrays) {
    check_array(array);
    order.push_back(&array);
  }
  std::sort(order.begin(), order.end(), before);
  return order;
}

std::string header_text(const Safetensors& content,
                        const std::vector<const NamedArray*>& order) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!content.metadata.empty()) header[metadata_key] = content.metadata;
  std::size_t offset = 0;
  for (const NamedArray* array : order) {
    require(!header.contains(array->name), "safetensors: two arrays named '",
            array->name, "'");
    header[array->name] = {
        {"dtype", dtype_name(array->dtype)},
        {"shape", array->shape},
        {"data_offsets", {offset, offset + array->bytes.size()}}};
    offset += array->bytes.size();
  }
  try {
    return header.dump();
  } catch (const nlohmann::json::exception&) {
    fail("safetensors: names and metadata must be UTF-8");
  }
}

void append(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

std::uint64_t read_length(std::span<const std::byte> bytes,
                          const std::string& source) {
  require<DataError>(bytes.size() >= length_bytes, source,
                     ": expected a safetensors file, got ", bytes.size(),
                     " bytes");
  std::uint64_t length = 0;
  for (std::size_t i = length_bytes; i-- > 0;)
    length = length << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  require<DataError>(length <= longest_header, source,
                     ": expected a safetensors header of at most ",
                     longest_header, " bytes, got ", length);
  require<DataError>(length <= bytes.size() - length_bytes, source,
                     ": truncated: a header of ", length,
                     " bytes, but the file has ", bytes.size());
  return length;
}

/// Checks that the arrays, in the order of their offsets, cover `data` with
/// neither gap nor overlap, each with as many bytes as its shape needs.
void check_layout(std::vector<SafetensorsEntry>& entries, std::size_t data,
                  const std::string& source) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& left, const auto& right) {
                     return std::pair(left.begin, left.end) <
                            std::pair(right.begin, right.end);
                   });
  std::uint64_t expected = 0;
  for (const SafetensorsEntry& entry : entries) {
    const std::string what = source + ": tensor '" + entry.name + "'";
    require<DataError>(entry.begin <= entry.end && entry.end <= data, what,
                       ": data_offsets [", entry.begin, ", ", entry.end,
                       "] out of range, the file has ", data, " bytes of data");
    require<DataError>(entry.begin == expected, what, ": data begins at ",
                       entry.begin, ", expected ", expected,
                       entry.begin < expected ? " (overlap)" : " (gap)");
    const std::uint64_t needed = byte_count(entry.shape, entry.dtype, what);
    require<DataError>(entry.end - entry.begin == needed, what, ": expected ",
                       needed, " bytes for its shape, got ",
                       entry.end - entry.begin);
    expected = entry.end;
  }
  require<DataError>(expected == data, source, ": ", data - expected,
                     " bytes of data belong to no tensor");
}

}  // namespace

const NamedArray* find_array(const Safetensors& content,
                             const std::string& name) {
  const auto found =
      std::find_if(content.arrays.begin(), content.arrays.end(),
                   [&](const NamedArray& array) { return array.name == name; });
  return found == content.arrays.end() ? nullptr : &*found;
}

std::vector<std::byte> encode_safetensors(const Safetensors& content) {
  const std::vector<const NamedArray*> order = file_order(content);
  std::string header = header_text(content, order);
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < length_bytes; ++i)
    bytes.push_back(static_cast<std::byte>(header.size() >> (8 * i)));
  append(bytes, as_bytes(header));
  for (const NamedArray* array : order) append(bytes, array->bytes);
  return bytes;
}

Safetensors decode_safetensors(std::span<const std::byte> bytes,
                               const std::string& source) {
  const std::uint64_t length = read_length(bytes, source);
  const std::span<const std::byte> data = bytes.subspan(length_bytes + length);
  SafetensorsHeader header = parse_safetensors_header(
      as_text(bytes.subspan(length_bytes, length)), source);
  check_layout(header.entries, data.size(), source);
  Safetensors content{std::move(header.metadata), {}};
  for (SafetensorsEntry& entry : header.entries) {
    const auto part = data.subspan(entry.begin, entry.end - entry.begin);
    content.arrays.push_back({std::move(entry.name),
                              entry.dtype,
                              std::move(entry.shape),
                              {part.begin(), part.end()}});
  }
  std::sort(content.arrays.begin(), content.arrays.end(),
            [](const NamedArray& left, const NamedArray& right) {
              return left.name < right.name;
            });
  return content;
}

Safetensors read_safetensors(const std::filesystem::path& path) {
  const auto bytes =
      read_file(posix_file_system(), path, physical_memory_bytes());
  return decode_safetensors(bytes, path.string());
}

void write_safetensors(FileSystem& system, const std::filesystem::path& path,
                       const Safetensors& content) {
  write_file_atomically(system, path, encode_safetensors(content));
}

}  // namespace sigtape
