#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sigtape/training/io/file_system.h"

// A checkpoint is a folder of files with a manifest.json: a sequence number
// that grows with each save, size and CRC-32 of every file, and a CRC-32 of the
// manifest itself. A save of `last` never touches the checkpoint it replaces
// before the new one is complete, in place and on the disk:
//
//   1. the new one is written to last.tmp-N, each file synced, the manifest
//      last, then the folder;
//   2. last.tmp-N and last change places in one step (RENAME_EXCHANGE); where
//      the file system cannot do that: last becomes last.old-N, then
//      last.tmp-N becomes last;
//   3. the parent folder is synced, and only then the old one is removed.
//
// After a crash at any point one of last, last.old-N, last.tmp-N verifies.

namespace sigtape {

/// One file of a checkpoint to save. The bytes are not copied.
struct CheckpointPart {
  /// A plain file name: no slash, not manifest.json.
  std::string name;
  /// The content.
  std::span<const std::byte> bytes;
};

/// A checkpoint whose every byte has been verified.
struct Checkpoint {
  /// Where it was found: `last` or a sibling that a crash left.
  std::filesystem::path directory;
  /// Which save of this run it was, from 1.
  std::uint64_t sequence = 0;
  /// The content of each file by its name.
  std::map<std::string, std::vector<std::byte>> files;
};

/// What a search for a checkpoint found.
struct CheckpointSearch {
  /// The newest that verifies; none where nothing was ever saved completely.
  std::optional<Checkpoint> checkpoint;
  /// One sentence for each folder passed over: which, and why.
  std::vector<std::string> skipped;
};

/// Saves `parts` as the checkpoint folder `path` (such as run/last), whose
/// parent must exist. Returns its sequence number. Throws FileError where a
/// call fails: the checkpoint before, or already the new one, is then still
/// there for find_checkpoint. Only one process may save to `path` at a time.
std::uint64_t save_checkpoint(FileSystem& system,
                              const std::filesystem::path& path,
                              std::span<const CheckpointPart> parts);

/// Finds the newest checkpoint that verifies among `path` and what interrupted
/// saves left beside it. Throws DataError where there are checkpoints but none
/// verifies, naming each and what is wrong with it.
CheckpointSearch find_checkpoint(FileSystem& system,
                                 const std::filesystem::path& path);

}  // namespace sigtape
