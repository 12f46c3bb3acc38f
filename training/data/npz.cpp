#include "sigtape/training/data/npz.h"

#include "sigtape/framework/check.h"
#include "sigtape/training/data/number.h"
#include "sigtape/training/data/text.h"
#include "sigtape/training/data/zip.h"
#include "sigtape/training/io/atomic_file.h"
#include "sigtape/training/io/files.h"

namespace sigtape {

namespace {

const std::string extension = ".npy";

}  // namespace

NpzArrays read_npz(const std::string& path, std::uint64_t limit) {
  return decode_npz(as_bytes(read_whole_file(path)), path, limit);
}

NpzArrays decode_npz(std::span<const std::byte> content,
                     const std::string& source, std::uint64_t limit) {
  NpzArrays arrays;
  for (const ZipEntry& entry : read_zip_directory(content, source, limit)) {
    require<DataError>(
        entry.name.ends_with(extension) && entry.name.size() > extension.size(),
        source, ": expected members named NAME.npy, found ",
        in_quotes(entry.name));
    const std::string name =
        entry.name.substr(0, entry.name.size() - extension.size());
    arrays.emplace(name, decode_npy(read_zip_entry(content, entry, source),
                                    source + ":" + entry.name));
  }
  return arrays;
}

std::vector<std::byte> encode_npz(const NpzArrays& arrays) {
  std::vector<ZipMember> members;
  for (const auto& [name, array] : arrays) {
    members.push_back({name + extension, encode_npy(array)});
  }
  return encode_zip(members);
}

void write_npz(const std::string& path, const NpzArrays& arrays) {
  write_file_atomically(posix_file_system(), path, encode_npz(arrays));
}

}  // namespace sigtape
