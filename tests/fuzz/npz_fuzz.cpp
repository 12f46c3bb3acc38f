// Any bytes as a .npz file: a DataError that names the file, or arrays that are
// written and read back the same and may make a data set. The mutator mends
// checksums, behind which nothing would be reached otherwise.
#include <zlib.h>

#include <cstring>
#include <vector>

#include "fuzz/dataset_check.h"
#include "sigtape/framework/check.h"
#include "sigtape/training/data/array_reader.h"
#include "sigtape/training/data/npz.h"

using namespace sigtape;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size,
                                        std::size_t most);

namespace {

constexpr std::uint64_t limit = 1 << 20;

void expect_dataset(const NpzArrays& arrays, std::size_t size) {
  try {
    fuzz::expect_sound(
        dataset_from_arrays(arrays, "f.npz", fuzz::policy_of(size)));
  } catch (const DataError&) {
  }
}

std::uint32_t number(const std::uint8_t* at, int bytes) {
  std::uint32_t value = 0;
  for (int i = bytes; i-- > 0;) value = value << 8 | at[i];
  return value;
}

// The bytes that a deflated member unpacks to, as far as they go.
std::vector<std::uint8_t> inflated(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(1 << 14);
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return {};
  stream.next_in = const_cast<Bytef*>(data);
  stream.avail_in = static_cast<uInt>(size);
  stream.next_out = bytes.data();
  stream.avail_out = static_cast<uInt>(bytes.size());
  inflate(&stream, Z_FINISH);
  bytes.resize(stream.total_out);
  inflateEnd(&stream);
  return bytes;
}

// Mends the checksum in the directory entry at `entry`.
void mend(std::uint8_t* file, std::size_t size, std::uint8_t* entry) {
  const std::size_t local = number(entry + 42, 4);
  if (local > size || size - local < 30) return;
  const std::size_t begin =
      local + 30 + number(file + local + 26, 2) + number(file + local + 28, 2);
  const std::size_t packed = number(entry + 20, 4);
  if (begin > size || packed > size - begin) return;
  std::vector<std::uint8_t> bytes(file + begin, file + begin + packed);
  if (number(entry + 10, 2) == 8) {
    bytes = inflated(file + begin, packed);
    for (int i = 0; i < 4; ++i)
      entry[24 + i] = static_cast<std::uint8_t>(bytes.size() >> 8 * i);
  }
  const auto crc = crc32(0, bytes.data(), static_cast<uInt>(bytes.size()));
  for (int i = 0; i < 4; ++i)
    entry[16 + i] = static_cast<std::uint8_t>(crc >> 8 * i);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data,
                                               std::size_t size,
                                               std::size_t most,
                                               unsigned seed) {
  size = LLVMFuzzerMutate(data, size, most);
  if (seed % 4 == 0) return size;
  for (std::size_t at = 0; at + 46 <= size; ++at)
    if (std::memcmp(data + at, "PK\1\2", 4) == 0) mend(data, size, data + at);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  try {
    const NpzArrays arrays =
        decode_npz(fuzz::as_bytes(data, size), "f.npz", limit);
    fuzz::expect(decode_npz(encode_npz(arrays), "again") == arrays,
                 "the arrays to read back the same");
    expect_dataset(arrays, size);
  } catch (const DataError& error) {
    fuzz::expect(std::string_view(error.what()).starts_with("f.npz"),
                 "an error that names the file");
  }
  return 0;
}
