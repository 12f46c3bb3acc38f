#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "sigtape/training/io/file_system.h"

namespace sigtape {

/// Writes a whole file so that no crash and no failure leaves half of it: into
/// a new file beside it (NAME.tmp-PID), to the disk, renamed over the target,
/// the folder to the disk. A failure removes the new file, leaves the old one
/// as it was and throws FileError. A link is followed; what is no regular
/// file (a pipe, /dev/stdout) is written to directly.
void write_file_atomically(FileSystem& system,
                           const std::filesystem::path& path,
                           std::span<const std::byte> bytes);

/// The same for text, on the operating system's files.
void write_file_atomically(const std::filesystem::path& path,
                           std::string_view text);

/// Whether `name` is one that write_file_atomically gives a file not finished.
bool is_temporary_name(std::string_view name);

}  // namespace sigtape
