#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sigtape {

/// What a checkpoint's manifest.json says of the files beside it.
struct Manifest {
  /// Size and checksum of one file.
  struct File {
    std::uint64_t bytes = 0;
    std::uint32_t crc32 = 0;
    bool operator==(const File&) const = default;
  };
  /// Which save of the run this is, from 1.
  std::uint64_t sequence = 0;
  /// The files by name, the manifest itself not among them.
  std::map<std::string, File> files;
  bool operator==(const Manifest&) const = default;
};

/// The manifest's JSON text, with a checksum of itself: one manifest has one
/// text.
std::string manifest_text(const Manifest& manifest);

/// Reads what manifest_text wrote. Any other text, by as little as a bit, is a
/// DataError that begins with `source` (the file's name).
Manifest parse_manifest(std::string_view text, const std::string& source);

/// Whether `name` may stand in a manifest: a plain name of a file in the
/// folder, not manifest.json itself.
bool is_part_name(std::string_view name);

}  // namespace sigtape
