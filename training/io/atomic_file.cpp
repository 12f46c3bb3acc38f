#include "sigtape/training/io/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "sigtape/training/io/files.h"

namespace sigtape {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view temporary_mark = ".tmp-";

void write_directly(FileSystem& system, const fs::path& path,
                    std::span<const std::byte> bytes) {
  OpenFile file(system, path, O_WRONLY);
  file.write(bytes);
  file.close();
}

fs::path temporary_beside(const fs::path& path) {
  fs::path temporary = path;
  temporary += temporary_mark;
  temporary += std::to_string(::getpid());
  return temporary;
}

}  // namespace

void write_file_atomically(FileSystem& system, const fs::path& path,
                           std::span<const std::byte> bytes) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_regular_file(status))
    return write_directly(system, path, bytes);
  fs::path target = path;
  if (fs::exists(status)) target = fs::canonical(path, error);
  if (error) target = path;
  const fs::path temporary = temporary_beside(target);
  try {
    write_file(system, temporary, bytes);
    rename_path(system, temporary, target);
  } catch (...) {
    try_remove_tree(system, temporary);
    throw;
  }
  sync_directory(system, parent_folder(target));
}

void write_file_atomically(const fs::path& path, std::string_view text) {
  write_file_atomically(posix_file_system(), path, as_bytes(text));
}

bool is_temporary_name(std::string_view name) {
  const std::size_t mark = name.rfind(temporary_mark);
  if (mark == std::string_view::npos || mark == 0) return false;
  const std::string_view number = name.substr(mark + temporary_mark.size());
  return !number.empty() &&
         number.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace sigtape
