#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "sigtape/training/io/file_system.h"

namespace sigtape {

/// The operating system with a call that fails. Counts every call that can
/// change a disk, and lets the `failing`-th (from 0) fail with `error`: a write
/// after half of its bytes. With `crash` every later call fails as well, as if
/// the process were gone, and lose_power() then takes from the disk what was
/// never synced.
class FaultyFileSystem : public FileSystem {
 public:
  int failing = -1;
  int error = EIO;
  bool crash = false;
  /// Whether the system knows RENAME_EXCHANGE.
  bool can_exchange = true;
  int calls = 0;
  /// Names of the calls made, in order.
  std::vector<std::string> log;

  ~FaultyFileSystem() override {
    for (auto& [inode, descriptor] : unsynced_files_) ::close(descriptor);
    for (auto& [inode, folder] : unsynced_folders_) ::close(folder.descriptor);
  }

  int open(const char* path, int flags, unsigned mode) override {
    if (fails("open")) return -1;
    const bool created = (flags & O_CREAT) != 0 && ::access(path, F_OK) != 0;
    const int descriptor = FileSystem::open(path, flags, mode);
    if (created && descriptor >= 0) remember_name(path);
    return descriptor;
  }

  long write(int descriptor, const void* from, std::size_t bytes) override {
    if (fails("write")) {
      FileSystem::write(descriptor, from, bytes / 2);
      errno = error;
      return -1;
    }
    const auto inode = inode_of(descriptor);
    if (!unsynced_files_.contains(inode))
      unsynced_files_[inode] = ::dup(descriptor);
    return FileSystem::write(descriptor, from, bytes);
  }

  int sync(int descriptor) override {
    if (fails("fsync")) return -1;
    const auto inode = inode_of(descriptor);
    if (auto file = unsynced_files_.extract(inode)) ::close(file.mapped());
    if (auto folder = unsynced_folders_.extract(inode))
      ::close(folder.mapped().descriptor);
    return 0;  // what lose_power() leaves says enough
  }

  int close(int descriptor) override {
    if (!fails("close")) return FileSystem::close(descriptor);
    FileSystem::close(descriptor);
    errno = error;
    return -1;
  }

  int rename(const char* from, const char* to) override {
    if (fails("rename")) return -1;
    const std::string replaced = content_of(to);
    const int result = FileSystem::rename(from, to);
    if (result != 0) return result;
    folder_of(to).undo.push_back(
        [replaced, from = std::string(from), to = std::string(to)] {
          ::rename(to.c_str(), from.c_str());
          if (!replaced.empty()) std::ofstream(to) << replaced;
        });
    return result;
  }

  int exchange(const char* first, const char* second) override {
    if (fails("renameat2")) return -1;
    if (!can_exchange) {
      errno = EINVAL;
      return -1;
    }
    const int result = FileSystem::exchange(first, second);
    if (result != 0) return result;
    folder_of(first).undo.push_back(
        [a = std::string(first), b = std::string(second)] {
          posix_file_system().exchange(a.c_str(), b.c_str());
        });
    return result;
  }

  int make_directory(const char* path, unsigned mode) override {
    return fails("mkdir") ? -1 : FileSystem::make_directory(path, mode);
  }
  int remove_file(const char* path) override {
    return fails("unlink") ? -1 : FileSystem::remove_file(path);
  }
  int remove_directory(const char* path) override {
    return fails("rmdir") ? -1 : FileSystem::remove_directory(path);
  }

  /// The power goes: renames and new names in folders that were not synced
  /// are undone, written bytes that were not synced are gone. Removed files
  /// stay removed: the worst that a file system may do.
  void lose_power() {
    for (auto& [inode, descriptor] : unsynced_files_)
      if (::ftruncate(descriptor, 0) != 0) ::close(descriptor);
    for (auto& [inode, folder] : unsynced_folders_)
      for (auto back = folder.undo.rbegin(); back != folder.undo.rend(); ++back)
        (*back)();
  }

 private:
  struct Folder {
    int descriptor = -1;
    std::vector<std::function<void()>> undo;
  };

  bool fails(const char* name) {
    log.push_back(name);
    const int call = calls++;
    errno = error;
    return failing >= 0 && (call == failing || (crash && call > failing));
  }

  static ino_t inode_of(int descriptor) {
    struct stat status = {};
    ::fstat(descriptor, &status);
    return status.st_ino;
  }

  Folder& folder_of(const std::filesystem::path& path) {
    const int descriptor =
        ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    Folder& folder = unsynced_folders_[inode_of(descriptor)];
    if (folder.descriptor >= 0)
      ::close(descriptor);
    else
      folder.descriptor = descriptor;
    return folder;
  }

  /// The folder may have another name when the power goes: hence unlinkat.
  void remember_name(const std::filesystem::path& path) {
    Folder& folder = folder_of(path);
    folder.undo.push_back(
        [descriptor = folder.descriptor, name = path.filename().string()] {
          ::unlinkat(descriptor, name.c_str(), 0);
        });
  }

  static std::string content_of(const char* path) {
    std::ostringstream text;
    if (std::filesystem::is_regular_file(path))
      text << std::ifstream(path).rdbuf();
    return text.str();
  }

  std::map<ino_t, int> unsynced_files_;
  std::map<ino_t, Folder> unsynced_folders_;
};

}  // namespace sigtape
