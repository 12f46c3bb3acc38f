#include "sigtape/training/data/npy.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <string_view>

#include "sigtape/framework/check.h"
#include "sigtape/training/data/npy_header.h"
#include "sigtape/training/data/number.h"
#include "sigtape/training/data/text.h"
#include "sigtape/training/io/atomic_file.h"
#include "sigtape/training/io/files.h"
#include "sigtape/training/io/named_array.h"

namespace sigtape {

namespace {

static_assert(std::endian::native == std::endian::little,
              "NpyArray::bytes is little-endian, as files are written");

constexpr std::string_view magic = "\x93NUMPY";

struct TypeRow {
  NpyType type;
  const char* code;  // descr without the byte order
  const char* name;
  std::size_t bytes;
};

// In the order of NpyType.
constexpr TypeRow types[] = {
    {NpyType::float32, "f4", "float32", 4},
    {NpyType::float64, "f8", "float64", 8},
    {NpyType::int8, "i1", "int8", 1},
    {NpyType::int16, "i2", "int16", 2},
    {NpyType::int32, "i4", "int32", 4},
    {NpyType::int64, "i8", "int64", 8},
    {NpyType::uint8, "u1", "uint8", 1},
    {NpyType::uint16, "u2", "uint16", 2},
    {NpyType::uint32, "u4", "uint32", 4},
    {NpyType::uint64, "u8", "uint64", 8},
    {NpyType::boolean, "b1", "bool", 1},
};

const TypeRow& row_of(NpyType type) {
  return types[static_cast<std::size_t>(type)];
}

const TypeRow& row_of(std::string_view descr, const std::string& source) {
  const bool ordered =
      !descr.empty() &&
      std::string_view("<>|=").find(descr[0]) != std::string_view::npos;
  for (const TypeRow& row : types) {
    if (ordered && descr.substr(1) == row.code &&
        (row.bytes == 1 || descr[0] != '|')) {
      return row;
    }
  }
  fail<DataError>(source,
                  ": expected elements of type float32, float64, int8 to "
                  "int64, uint8 to uint64 or bool, found ",
                  in_quotes(descr));
}

void reverse_elements(std::vector<std::byte>& bytes, std::size_t size) {
  for (std::size_t i = 0; i < bytes.size(); i += size) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(i),
                 bytes.begin() + static_cast<std::ptrdiff_t>(i + size));
  }
}

// Column-major to row-major: walks the result in order and keeps the place
// of its element in `bytes`.
std::vector<std::byte> from_fortran(const std::vector<std::byte>& bytes,
                                    const std::vector<std::int64_t>& shape,
                                    std::size_t size) {
  const std::size_t rank = shape.size();
  std::vector<std::size_t> lengths(shape.begin(), shape.end());
  std::vector<std::size_t> strides(rank, size), index(rank, 0);
  for (std::size_t d = 1; d < rank; ++d) {
    strides[d] = strides[d - 1] * lengths[d - 1];
  }
  std::vector<std::byte> result(bytes.size());
  std::size_t place = 0;
  for (std::size_t to = 0; to < bytes.size(); to += size) {
    std::memcpy(result.data() + to, bytes.data() + place, size);
    for (std::size_t d = rank; d-- > 0;) {
      place += strides[d];
      if (++index[d] < lengths[d]) break;
      place -= strides[d] * lengths[d];
      index[d] = 0;
    }
  }
  return result;
}

template <class To, class From>
std::vector<To> converted(const NpyArray& array) {
  std::vector<To> result(array.bytes.size() / sizeof(From));
  for (std::size_t i = 0; i < result.size(); ++i) {
    From element;
    std::memcpy(&element, array.bytes.data() + i * sizeof(From), sizeof(From));
    result[i] = static_cast<To>(element);
  }
  return result;
}

template <class To>
std::vector<To> converted(const NpyArray& array) {
  switch (array.type) {
    case NpyType::float32:
      return converted<To, float>(array);
    case NpyType::float64:
      return converted<To, double>(array);
    case NpyType::int8:
      return converted<To, std::int8_t>(array);
    case NpyType::int16:
      return converted<To, std::int16_t>(array);
    case NpyType::int32:
      return converted<To, std::int32_t>(array);
    case NpyType::int64:
      return converted<To, std::int64_t>(array);
    case NpyType::uint16:
      return converted<To, std::uint16_t>(array);
    case NpyType::uint32:
      return converted<To, std::uint32_t>(array);
    case NpyType::uint64:
      return converted<To, std::uint64_t>(array);
    default:  // a bool is a byte that is 0 or 1
      return converted<To, std::uint8_t>(array);
  }
}

// Takes the magic, the version and the header's text from the front.
std::string_view take_header(std::string_view& rest,
                             const std::string& source) {
  require<DataError>(rest.starts_with(magic), source,
                     ": expected a file that begins with \\x93NUMPY, found ",
                     in_quotes(rest.substr(0, magic.size())));
  require<DataError>(rest.size() >= 10, source,
                     ": expected a header, found the end of the file");
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(rest[i]));
  };
  const std::size_t major = byte(6), minor = byte(7);
  require<DataError>(major >= 1 && major <= 3 && minor == 0, source,
                     ": expected format 1.0, 2.0 or 3.0, found ", major, ".",
                     minor);
  const std::size_t begin = major == 1 ? 10 : 12;
  require<DataError>(rest.size() >= begin, source,
                     ": expected a header, found the end of the file");
  std::size_t length = byte(8) | byte(9) << 8;
  if (major > 1) length |= byte(10) << 16 | byte(11) << 24;
  require<DataError>(length <= rest.size() - begin, source,
                     ": expected a header of ", length, " bytes, found ",
                     rest.size() - begin);
  const std::string_view header = rest.substr(begin, length);
  rest.remove_prefix(begin + length);
  return header;
}

}  // namespace

std::int64_t NpyArray::count() const {
  return static_cast<std::int64_t>(bytes.size() / element_bytes(type));
}

std::size_t element_bytes(NpyType type) { return row_of(type).bytes; }

const char* name_of(NpyType type) { return row_of(type).name; }

bool is_floating(NpyType type) {
  return type == NpyType::float32 || type == NpyType::float64;
}

std::vector<double> to_doubles(const NpyArray& array) {
  return converted<double>(array);
}

std::vector<std::int64_t> to_integers(const NpyArray& array,
                                      const std::string& source) {
  require<DataError>(!is_floating(array.type), source,
                     ": expected integers, found ", name_of(array.type));
  auto integers = converted<std::int64_t>(array);
  if (array.type == NpyType::uint64) {
    for (const std::int64_t integer : integers) {
      require<DataError>(integer >= 0, source,
                         ": expected integers below 2^63, found ",
                         static_cast<std::uint64_t>(integer));
    }
  }
  return integers;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

NpyArray read_npy(const std::string& path) {
  return decode_npy(as_bytes(read_whole_file(path)), path);
}

NpyArray decode_npy(std::span<const std::byte> content,
                    const std::string& source) {
  std::string_view rest = as_text(content);
  const NpyHeader header = parse_npy_header(take_header(rest, source), source);
  const TypeRow& row = row_of(header.descr, source);
  const std::int64_t count = element_count(header.shape, source);
  const std::size_t bytes = static_cast<std::size_t>(count) * row.bytes;
  require<DataError>(rest.size() == bytes, source, ": expected ", bytes,
                     " bytes of data for shape ", shape_text(header.shape),
                     " of ", row.name, ", found ", rest.size());
  const auto data = as_bytes(rest);
  NpyArray array{row.type, header.shape, {data.begin(), data.end()}};
  require<DataError>(
      row.type != NpyType::boolean ||
          std::all_of(data.begin(), data.end(),
                      [](std::byte value) { return value <= std::byte{1}; }),
      source, ": expected 0 or 1 in every byte of bool, found another value");
  if (header.descr[0] == '>') reverse_elements(array.bytes, row.bytes);
  if (header.fortran_order && header.shape.size() > 1) {
    array.bytes = from_fortran(array.bytes, header.shape, row.bytes);
  }
  return array;
}

std::vector<std::byte> encode_npy(const NpyArray& array) {
  const TypeRow& row = row_of(array.type);
  const std::int64_t count = element_count(array.shape, "npy");
  require(static_cast<std::size_t>(count) * row.bytes == array.bytes.size(),
          "npy: expected ", count, " elements of ", row.bytes,
          " bytes for shape ", shape_text(array.shape), ", got ",
          array.bytes.size(), " bytes");
  std::string header =
      std::string("{'descr': '") + (row.bytes == 1 ? '|' : '<') + row.code +
      "', 'fortran_order': False, 'shape': " + shape_text(array.shape) + ", }";
  const bool large = header.size() > 65000;
  const std::size_t begin = large ? 12 : 10;
  header.append(63 - (begin + header.size()) % 64, ' ');
  header += '\n';
  std::string head(magic);
  head += static_cast<char>(large ? 2 : 1);
  head += '\0';
  for (std::size_t i = 0; i < begin - 8; ++i) {
    head += static_cast<char>(header.size() >> 8 * i & 0xFF);
  }
  head += header;
  std::vector<std::byte> content(head.size() + array.bytes.size());
  std::memcpy(content.data(), head.data(), head.size());
  if (!array.bytes.empty()) {
    std::memcpy(content.data() + head.size(), array.bytes.data(),
                array.bytes.size());
  }
  return content;
}

void write_npy(const std::string& path, const NpyArray& array) {
  write_file_atomically(posix_file_system(), path, encode_npy(array));
}

}  // namespace sigtape
