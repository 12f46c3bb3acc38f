#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sigtape/training/io/file_system.h"

namespace sigtape {

/// An open file that closes itself. Interrupted calls (EINTR) are repeated;
/// every failure is a FileError that names path, call and reason.
class OpenFile {
 public:
  /// Opens `path` with the flags of open(2); a new file gets mode 0666 less
  /// the umask.
  OpenFile(FileSystem& system, std::filesystem::path path, int flags);
  /// Closes what is still open; an error is not reported here (see close()).
  ~OpenFile();
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&&) = delete;

  /// Writes all of `bytes`, in as many calls as it takes.
  void write(std::span<const std::byte> bytes);
  /// Reads up to `bytes.size()` bytes; fewer only at the end of the file.
  std::size_t read(std::span<std::byte> bytes);
  /// Waits until the disk holds what was written. A directory on a file system
  /// that knows no such wait counts as synced.
  void sync();
  /// Closes, and reports an error that only then shows (a full network disk).
  void close();
  /// The descriptor, for calls outside this interface (flock, isatty).
  int descriptor() const { return descriptor_; }

 private:
  FileSystem& system_;
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// The bytes of `text`, not copied.
std::span<const std::byte> as_bytes(std::string_view text);

/// The characters of `bytes`, not copied.
std::string_view as_text(std::span<const std::byte> bytes);

/// The whole file. A file of more than `limit` bytes is a DataError, before
/// anything is allocated; everything else that fails is a FileError.
std::vector<std::byte> read_file(FileSystem& system,
                                 const std::filesystem::path& path,
                                 std::uint64_t limit);

/// Creates or empties `path`, writes `bytes`, waits for the disk, closes. A
/// crash can leave half of it: see atomic_file.h.
void write_file(FileSystem& system, const std::filesystem::path& path,
                std::span<const std::byte> bytes);

/// Makes the names in `directory` durable.
void sync_directory(FileSystem& system, const std::filesystem::path& directory);

/// Renames a file or directory; the target may be an existing file.
void rename_path(FileSystem& system, const std::filesystem::path& from,
                 const std::filesystem::path& to);

/// Makes `path` and its missing parents, and their names durable. An existing
/// directory is no error. Returns the directories made, the outermost first.
std::vector<std::filesystem::path> make_directories(
    FileSystem& system, const std::filesystem::path& path);

/// Removes a file, or a directory with all it holds; links are not followed. A
/// path that does not exist is no error.
void remove_tree(FileSystem& system, const std::filesystem::path& path);

/// As remove_tree, and says in its result, not by an exception, whether it
/// worked: for removing what a failure left behind.
bool try_remove_tree(FileSystem& system,
                     const std::filesystem::path& path) noexcept;

/// The folder that holds `path`: "." for a bare name.
std::filesystem::path parent_folder(const std::filesystem::path& path);

/// The names in `directory`, sorted; a FileError where it cannot be read.
std::vector<std::string> list_directory(const std::filesystem::path& directory);

}  // namespace sigtape
