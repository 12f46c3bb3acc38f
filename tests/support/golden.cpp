#include "support/golden.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "support/source_dir.h"

namespace sigtape::test {

namespace {

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <class T>
T number_at(const std::string& bytes, std::size_t at) {
  T value;
  if (at + sizeof(T) > bytes.size()) throw std::runtime_error("short archive");
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

// "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }"
std::vector<std::int64_t> parse_shape(const std::string& header) {
  if (header.find("'fortran_order': False") == std::string::npos)
    throw std::runtime_error("unexpected array type: " + header);
  std::vector<std::int64_t> shape;
  std::size_t at = header.find('(') + 1;
  while (header[at] != ')') {
    if (!std::isdigit(static_cast<unsigned char>(header[at]))) {
      ++at;
      continue;
    }
    std::size_t digits = 0;
    shape.push_back(std::stoll(header.substr(at), &digits));
    at += digits;
  }
  return shape;
}

GoldenArray parse_npy(const std::string& bytes) {
  const auto header_size = number_at<std::uint16_t>(bytes, 8);
  const std::string header = bytes.substr(10, header_size);
  const bool integers = header.find("'<i8'") != std::string::npos;
  if (!integers && header.find("'<f8'") == std::string::npos)
    throw std::runtime_error("unexpected array type: " + header);
  GoldenArray array{parse_shape(header), {}};
  std::size_t count = 1;
  for (const std::int64_t n : array.shape) count *= n;
  if (bytes.size() != 10 + header_size + count * 8)
    throw std::runtime_error("array of unexpected size");
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = 10 + header_size + 8 * i;
    array.values.push_back(
        integers ? static_cast<double>(number_at<std::int64_t>(bytes, at))
                 : number_at<double>(bytes, at));
  }
  return array;
}

constexpr std::uint32_t kCentralEntry = 0x02014b50, kEndOfCentral = 0x06054b50;

// Walks the central directory at the end of the archive.
std::map<std::string, GoldenArray> parse_npz(const std::string& bytes) {
  std::map<std::string, GoldenArray> arrays;
  std::size_t end = bytes.size() - 22;
  while (number_at<std::uint32_t>(bytes, end) != kEndOfCentral) --end;
  std::size_t entry = number_at<std::uint32_t>(bytes, end + 16);
  while (number_at<std::uint32_t>(bytes, entry) == kCentralEntry) {
    if (number_at<std::uint16_t>(bytes, entry + 10) != 0)
      throw std::runtime_error("compressed archive");
    const auto size = number_at<std::uint32_t>(bytes, entry + 24);
    const auto name_size = number_at<std::uint16_t>(bytes, entry + 28);
    const std::size_t local = number_at<std::uint32_t>(bytes, entry + 42);
    const std::size_t data = local + 30 +
                             number_at<std::uint16_t>(bytes, local + 26) +
                             number_at<std::uint16_t>(bytes, local + 28);
    const std::string name = bytes.substr(entry + 46, name_size);
    arrays[name.substr(0, name.rfind(".npy"))] =
        parse_npy(bytes.substr(data, size));
    entry += 46 + name_size + number_at<std::uint16_t>(bytes, entry + 30) +
             number_at<std::uint16_t>(bytes, entry + 32);
  }
  return arrays;
}

}  // namespace

Tensor golden_tensor(const GoldenArray& array, DType dtype) {
  const Shape shape(array.shape.data(), static_cast<int>(array.shape.size()));
  return from_values(array.values, shape, {dtype, {}});
}

std::vector<GoldenCase> golden_cases(const std::string& family) {
  const std::string stem = source_path("tests/reference/" + family);
  std::vector<GoldenCase> cases;
  for (const auto& arguments : nlohmann::json::parse(read_all(stem + ".json")))
    cases.push_back({arguments, {}});
  for (auto& [name, array] : parse_npz(read_all(stem + ".npz"))) {
    const std::size_t dot = name.find('.');
    cases.at(std::stoul(name.substr(0, dot))).arrays[name.substr(dot + 1)] =
        array;
  }
  return cases;
}

}  // namespace sigtape::test
