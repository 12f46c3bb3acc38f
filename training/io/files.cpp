#include "sigtape/training/io/files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "sigtape/framework/check.h"

namespace sigtape {
namespace {

namespace fs = std::filesystem;

/// At most this much in one write: Linux moves no more than 2 GiB at a time.
constexpr std::size_t largest_write = std::size_t{1} << 30;

[[noreturn]] void fail_call(const fs::path& path, const char* call) {
  const int error = errno;
  fail<FileError>(path.string(), ": ", call, " failed: ", std::strerror(error));
}

/// Repeats an interrupted call.
template <class Call>
auto retry(Call call) {
  for (;;) {
    auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

bool is_directory(int descriptor) {
  struct stat status = {};
  return ::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

OpenFile::OpenFile(FileSystem& system, fs::path path, int flags)
    : system_(system), path_(std::move(path)) {
  descriptor_ = retry([&] { return system_.open(path_.c_str(), flags, 0666); });
  if (descriptor_ < 0) fail_call(path_, "open");
}

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) system_.close(descriptor_);
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : system_(other.system_),
      path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

void OpenFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t part = std::min(bytes.size(), largest_write);
    const long done =
        retry([&] { return system_.write(descriptor_, bytes.data(), part); });
    if (done < 0) fail_call(path_, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
}

std::size_t OpenFile::read(std::span<std::byte> bytes) {
  std::size_t total = 0;
  while (total < bytes.size()) {
    const long done = retry([&] {
      return system_.read(descriptor_, bytes.data() + total,
                          std::min(bytes.size() - total, largest_write));
    });
    if (done < 0) fail_call(path_, "read");
    if (done == 0) break;
    total += static_cast<std::size_t>(done);
  }
  return total;
}

void OpenFile::sync() {
  if (retry([&] { return system_.sync(descriptor_); }) == 0) return;
  if (errno == EINVAL && is_directory(descriptor_)) return;
  fail_call(path_, "fsync");
}

void OpenFile::close() {
  // The descriptor is gone even where close() reports an error or EINTR.
  const int result = system_.close(std::exchange(descriptor_, -1));
  if (result != 0 && errno != EINTR) fail_call(path_, "close");
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::byte> read_file(FileSystem& system, const fs::path& path,
                                 std::uint64_t limit) {
  OpenFile file(system, path, O_RDONLY);
  struct stat status = {};
  if (::fstat(file.descriptor(), &status) != 0) fail_call(path, "fstat");
  require<FileError>(S_ISREG(status.st_mode), path.string(),
                     ": expected a regular file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  require<DataError>(size <= limit, path.string(), ": expected at most ", limit,
                     " bytes, got ", size);
  std::vector<std::byte> bytes(size);
  const std::size_t got = file.read(bytes);
  require<DataError>(got == size, path.string(), ": expected ", size,
                     " bytes, got ", got, " (it changed while it was read)");
  return bytes;
}

void write_file(FileSystem& system, const fs::path& path,
                std::span<const std::byte> bytes) {
  OpenFile file(system, path, O_WRONLY | O_CREAT | O_TRUNC);
  file.write(bytes);
  file.sync();
  file.close();
}

void sync_directory(FileSystem& system, const fs::path& directory) {
  OpenFile file(system, directory, O_RDONLY | O_DIRECTORY);
  file.sync();
  file.close();
}

void rename_path(FileSystem& system, const fs::path& from, const fs::path& to) {
  const auto call = [&] { return system.rename(from.c_str(), to.c_str()); };
  if (retry(call) != 0) fail_call(from, "rename");
}

std::vector<fs::path> make_directories(FileSystem& system,
                                       const fs::path& path) {
  std::vector<fs::path> made;
  std::error_code ignored;
  if (path.empty() || fs::is_directory(path, ignored)) return made;
  made = make_directories(system, path.parent_path());
  if (path.filename().empty()) return made;  // "runs/a/" after "runs/a"
  if (system.make_directory(path.c_str(), 0777) == 0) {
    made.push_back(path);
    sync_directory(system, parent_folder(path));
  } else if (errno != EEXIST || !fs::is_directory(path, ignored)) {
    fail_call(path, "mkdir");
  }
  return made;
}

void remove_tree(FileSystem& system, const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(fs::symlink_status(path, ignored))) {
    if (system.remove_file(path.c_str()) != 0 && errno != ENOENT)
      fail_call(path, "unlink");
    return;
  }
  for (const std::string& name : list_directory(path))
    remove_tree(system, path / name);
  if (system.remove_directory(path.c_str()) != 0 && errno != ENOENT)
    fail_call(path, "rmdir");
}

bool try_remove_tree(FileSystem& system, const fs::path& path) noexcept {
  try {
    remove_tree(system, path);
    return true;
  } catch (...) {
    return false;
  }
}

fs::path parent_folder(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

std::vector<std::string> list_directory(const fs::path& directory) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(directory, error), end;
       !error && entry != end; entry.increment(error))
    names.push_back(entry->path().filename().string());
  require<FileError>(!error, directory.string(),
                     ": reading the folder failed: ", error.message());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace sigtape
