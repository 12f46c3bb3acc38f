#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "sigtape/training/io/files.h"

namespace sigtape {

/// The files of a run by their places in its folder.
struct RunPaths {
  std::filesystem::path folder;

  /// The resolved configuration.
  std::filesystem::path config() const { return folder / "config.yaml"; }
  /// Versions, processor, threads, commit.
  std::filesystem::path environment() const { return folder / "env.json"; }
  /// The table of losses.
  std::filesystem::path metrics() const { return folder / "metrics.csv"; }
  /// The best weights.
  std::filesystem::path best() const { return folder / "best.safetensors"; }
  /// The batch at which anomaly detection stopped.
  std::filesystem::path anomaly() const {
    return folder / "anomaly.safetensors";
  }
  /// The checkpoint, a folder: see checkpoint.h.
  std::filesystem::path checkpoint() const { return folder / "last"; }
};

/// Whether `folder` holds anything of a run.
bool holds_run(const std::filesystem::path& folder);

/// The paths of an existing run, for reading. FileError where `folder` is none,
/// UsageError where it holds no configuration of a run.
RunPaths open_run(const std::filesystem::path& folder);

/// The folder of a run, locked against every other process for as long as this
/// object lives.
class RunFolder {
 public:
  /// Makes the folder, and missing parents, for a new run. UsageError where it
  /// holds a run already or another process uses it, FileError where it cannot
  /// be made. What it made goes again if nothing of a run is ever put there.
  static RunFolder create(FileSystem& system,
                          const std::filesystem::path& folder);
  /// Takes the folder of a run that is to go on, or to start afresh where
  /// nothing was saved; makes it where it is missing, removes files that a
  /// crash left half written. UsageError where another process uses it.
  static RunFolder resume(FileSystem& system,
                          const std::filesystem::path& folder);

  RunFolder(RunFolder&& other) noexcept;
  RunFolder& operator=(RunFolder&&) = delete;
  ~RunFolder();

  const RunPaths& paths() const { return paths_; }

  /// Throws FileError where the folder is no longer there, or is another one
  /// by now, in which some other run has begun.
  void require_ours() const;

 private:
  RunFolder(FileSystem& system, const std::filesystem::path& folder);
  /// Makes the folder and locks it.
  void take();

  FileSystem& system_;
  RunPaths paths_;
  std::vector<std::filesystem::path> made_;
  std::optional<OpenFile> lock_;
  bool owns_lock_ = false;
};

}  // namespace sigtape
