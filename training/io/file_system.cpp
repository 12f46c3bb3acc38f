#include "sigtape/training/io/file_system.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>

namespace sigtape {

int FileSystem::open(const char* path, int flags, unsigned mode) {
  return ::open(path, flags | O_CLOEXEC, mode);
}

long FileSystem::read(int descriptor, void* to, std::size_t bytes) {
  return ::read(descriptor, to, bytes);
}

long FileSystem::write(int descriptor, const void* from, std::size_t bytes) {
  return ::write(descriptor, from, bytes);
}

int FileSystem::sync(int descriptor) { return ::fsync(descriptor); }

int FileSystem::close(int descriptor) { return ::close(descriptor); }

int FileSystem::rename(const char* from, const char* to) {
  return ::rename(from, to);
}

int FileSystem::exchange(const char* first, const char* second) {
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, first, AT_FDCWD,
                                    second, RENAME_EXCHANGE));
}

int FileSystem::make_directory(const char* path, unsigned mode) {
  return ::mkdir(path, mode);
}

int FileSystem::remove_file(const char* path) { return ::unlink(path); }

int FileSystem::remove_directory(const char* path) { return ::rmdir(path); }

FileSystem& posix_file_system() {
  static FileSystem system;
  return system;
}

}  // namespace sigtape
