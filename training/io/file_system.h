#pragma once

#include <cstddef>

namespace sigtape {

/// The calls to the operating system that everything written or read here goes
/// through, each with the convention of POSIX: a negative result, and errno,
/// where it fails. This class makes the calls; a test overrides them to let
/// any one of them fail.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  /// open(2), with O_CLOEXEC added: a descriptor or -1.
  virtual int open(const char* path, int flags, unsigned mode);
  /// read(2): the bytes read, 0 at the end, or -1.
  virtual long read(int descriptor, void* to, std::size_t bytes);
  /// write(2): the bytes written, possibly fewer than asked, or -1.
  virtual long write(int descriptor, const void* from, std::size_t bytes);
  /// fsync(2), of a file or of a directory.
  virtual int sync(int descriptor);
  /// close(2).
  virtual int close(int descriptor);
  /// rename(2): replaces a file, but no directory that holds something.
  virtual int rename(const char* from, const char* to);
  /// renameat2(2) with RENAME_EXCHANGE: `first` and `second` change places in
  /// one step. EINVAL or ENOSYS where kernel or file system cannot.
  virtual int exchange(const char* first, const char* second);
  /// mkdir(2).
  virtual int make_directory(const char* path, unsigned mode);
  /// unlink(2).
  virtual int remove_file(const char* path);
  /// rmdir(2).
  virtual int remove_directory(const char* path);
};

/// The operating system itself.
FileSystem& posix_file_system();

}  // namespace sigtape
