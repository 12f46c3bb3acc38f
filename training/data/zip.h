#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

// The part of the zip format (PKWARE's APPNOTE) that .npz files use: one disk,
// members stored or deflated, zip64 sizes when reading.

namespace sigtape {

/// One member as the central directory lists it.
struct ZipEntry {
  std::string name;
  bool deflated = false;
  std::uint32_t crc = 0;
  /// Where the packed bytes begin in the file, and how many there are.
  std::uint64_t offset = 0, packed_bytes = 0;
  /// How many there are unpacked.
  std::uint64_t bytes = 0;
};

/// The members of the zip file `content`. Throws DataError that begins with
/// `source` for anything that is no such file: truncated, encrypted, packed in
/// another way, overlapping members, a name twice, more than `limit` bytes
/// unpacked, or more than deflate can make of what is there.
std::vector<ZipEntry> read_zip_directory(std::span<const std::byte> content,
                                         const std::string& source,
                                         std::uint64_t limit);

/// The bytes of a member, unpacked; DataError where size or checksum differ.
std::vector<std::byte> read_zip_entry(std::span<const std::byte> content,
                                      const ZipEntry& entry,
                                      const std::string& source);

/// One member to be written.
struct ZipMember {
  std::string name;
  std::vector<std::byte> bytes;
};

/// A zip file with the members stored in that order, dated 1980-01-01: the
/// same members give the same bytes. Members or a file of 4 GiB or more, or
/// more than 65534 members, are a UsageError.
std::vector<std::byte> encode_zip(const std::vector<ZipMember>& members);

}  // namespace sigtape
