#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "sigtape/training/data/npy.h"

namespace sigtape {

/// Arrays by name, as numpy.savez stores them: a zip file whose member
/// "NAME.npy" holds array NAME.
using NpzArrays = std::map<std::string, NpyArray>;

/// The most bytes that a .npz file may unpack to, unless a caller says more.
inline constexpr std::uint64_t default_npz_limit = std::uint64_t{64} << 30;

/// Reads all arrays, stored or deflated (numpy.savez_compressed). Throws
/// FileError where reading fails, DataError that begins with the path for other
/// content: see decode_npy and zip.h.
NpzArrays read_npz(const std::string& path,
                   std::uint64_t limit = default_npz_limit);

/// The same from the file's content; `source` names it in messages.
NpzArrays decode_npz(std::span<const std::byte> content,
                     const std::string& source,
                     std::uint64_t limit = default_npz_limit);

/// The content of a .npz file with stored members, sorted by name: the same
/// arrays give the same bytes.
std::vector<std::byte> encode_npz(const NpzArrays& arrays);

/// Writes a file that no crash can leave half written.
void write_npz(const std::string& path, const NpzArrays& arrays);

}  // namespace sigtape
