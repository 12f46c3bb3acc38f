#include "sigtape/training/run/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "sigtape/framework/check.h"
#include "sigtape/training/io/atomic_file.h"

namespace sigtape {
namespace {

namespace fs = std::filesystem;

/// Locked, and holding the number of the process, for as long as a run lasts.
constexpr const char* lock_name = ".lock";

/// The number of the process that wrote itself into the lock file.
std::string holder_of(int descriptor) {
  char text[32] = {};
  if (::pread(descriptor, text, sizeof text - 1, 0) <= 0)
    return "another process";
  return "process " + std::to_string(std::atol(text));
}

[[noreturn]] void refuse_lock(const fs::path& path, int descriptor, int error) {
  if (error != EWOULDBLOCK)
    fail<FileError>(path.string(), ": flock failed: ", std::strerror(error));
  fail("run folder '", path.parent_path().string(), "' is in use by ",
       holder_of(descriptor), "; choose another one with --run-dir");
}

/// Whether `path` still names the file that is open.
bool is_same_file(const fs::path& path, int descriptor) {
  struct stat named = {};
  struct stat open = {};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(descriptor, &open) == 0 &&
         named.st_ino == open.st_ino && named.st_dev == open.st_dev;
}

void refuse_run(const fs::path& folder) {
  require(!holds_run(folder), "run folder '", folder.string(),
          "' already holds a run: continue it with --resume ", folder.string(),
          " or choose another folder with --run-dir");
}

void remove_unfinished_files(FileSystem& system, const fs::path& folder) {
  for (const std::string& name : list_directory(folder)) {
    const fs::path path = folder / name;
    if (is_temporary_name(name) &&
        fs::is_regular_file(fs::symlink_status(path)))
      remove_tree(system, path);
  }
}

}  // namespace

bool holds_run(const fs::path& folder) {
  const RunPaths run{folder};
  std::error_code missing;
  for (const fs::path& path : {run.config(), run.environment(), run.metrics(),
                               run.best(), run.checkpoint()})
    if (fs::exists(path, missing)) return true;
  return false;
}

RunPaths open_run(const fs::path& folder) {
  RunPaths run{folder};
  std::error_code error;
  require<FileError>(fs::is_directory(folder, error), folder.string(),
                     ": expected the folder of a run, there is none");
  const bool is_there = fs::exists(run.config(), error);
  require<FileError>(!error, "cannot read ", run.config().string(), ": ",
                     error.message());
  require(is_there, folder.string(),
          ": expected the folder of a run, it has no config.yaml");
  return run;
}

RunFolder::RunFolder(FileSystem& system, const fs::path& folder)
    : system_(system), paths_{folder} {}

void RunFolder::take() {
  made_ = make_directories(system_, paths_.folder);
  const fs::path path = paths_.folder / lock_name;
  do {
    lock_.emplace(system_, path, O_RDWR | O_CREAT);
    if (::flock(lock_->descriptor(), LOCK_EX | LOCK_NB) != 0)
      refuse_lock(path, lock_->descriptor(), errno);
    // The holder before may have removed the file between open and flock.
  } while (!is_same_file(path, lock_->descriptor()));
  owns_lock_ = true;
  if (::ftruncate(lock_->descriptor(), 0) == 0)
    lock_->write(as_bytes(std::to_string(::getpid()) + "\n"));
}

RunFolder RunFolder::create(FileSystem& system, const fs::path& folder) {
  refuse_run(folder);
  RunFolder run(system, folder);
  run.take();
  // Another process may have begun and ended a run between look and lock.
  refuse_run(folder);
  return run;
}

RunFolder RunFolder::resume(FileSystem& system, const fs::path& folder) {
  RunFolder run(system, folder);
  run.take();
  remove_unfinished_files(system, folder);
  return run;
}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : system_(other.system_),
      paths_(other.paths_),
      made_(std::move(other.made_)),
      lock_(std::move(other.lock_)),
      owns_lock_(std::exchange(other.owns_lock_, false)) {
  other.made_.clear();
}

void RunFolder::require_ours() const {
  const std::string folder = paths_.folder.string();
  std::error_code missing;
  require<FileError>(fs::is_directory(paths_.folder, missing), "run folder '",
                     folder, "' is gone: nothing can be saved in it");
  const fs::path lock = paths_.folder / lock_name;
  require<FileError>(
      !fs::exists(lock, missing) || is_same_file(lock, lock_->descriptor()),
      "run folder '", folder,
      "' was replaced: another run has begun in a folder of this name");
}

RunFolder::~RunFolder() {
  const fs::path lock = paths_.folder / lock_name;
  if (owns_lock_ && is_same_file(lock, lock_->descriptor()))
    system_.remove_file(lock.c_str());
  for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder)
    if (system_.remove_directory(folder->c_str()) != 0) return;
}

}  // namespace sigtape
