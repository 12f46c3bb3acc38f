#include "sigtape/training/io/checkpoint.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "sigtape/framework/check.h"
#include "sigtape/training/io/checksum.h"
#include "sigtape/training/io/files.h"
#include "sigtape/training/io/manifest.h"

namespace sigtape {
namespace {

namespace fs = std::filesystem;

constexpr const char* manifest_name = "manifest.json";
constexpr std::uint64_t manifest_limit = 1 << 20;

/// A folder that is, or may be, a checkpoint.
struct Candidate {
  fs::path directory;
  /// None where the manifest is missing or damaged; `reason` says so.
  std::optional<Manifest> manifest;
  std::string reason;
  /// Whether its save ended before the manifest, which is written last: it
  /// never was a checkpoint.
  bool unfinished = false;
  /// Whether the manifest may be sound, but the disk did not give it.
  bool unreadable = false;
};

fs::path sibling(const fs::path& path, std::string_view mark,
                 std::uint64_t number) {
  fs::path result = path;
  result += mark;
  result += std::to_string(number);
  return result;
}

bool is_sibling_name(const std::string& name, const std::string& base) {
  return name.starts_with(base + ".tmp-") || name.starts_with(base + ".old-");
}

/// What saves that were interrupted left beside `path`.
std::vector<fs::path> leftovers(const fs::path& path) {
  std::vector<fs::path> found;
  std::error_code missing;
  const fs::path parent = parent_folder(path);
  if (!fs::is_directory(parent, missing)) return found;
  for (const std::string& name : list_directory(parent))
    if (is_sibling_name(name, path.filename().string()))
      found.push_back(parent / name);
  return found;
}

Candidate inspect(FileSystem& system, const fs::path& directory,
                  bool in_place) {
  Candidate candidate{directory, {}, "", false, false};
  const fs::path file = directory / manifest_name;
  std::error_code error;
  if (fs::symlink_status(file, error).type() == fs::file_type::not_found) {
    candidate.reason = "no manifest.json: its save was interrupted";
  } else {
    try {
      const auto bytes = read_file(system, file, manifest_limit);
      candidate.manifest = parse_manifest(as_text(bytes), manifest_name);
    } catch (const FileError& failure) {
      candidate.reason = failure.what();
      candidate.unreadable = true;
    } catch (const DataError& damaged) {
      candidate.reason = damaged.what();
    }
  }
  candidate.unfinished =
      !in_place && !candidate.manifest && !candidate.unreadable;
  return candidate;
}

/// All candidates, the newest first, those without a manifest last.
std::vector<Candidate> candidates(FileSystem& system, const fs::path& path) {
  std::vector<Candidate> found;
  std::error_code missing;
  if (fs::exists(path, missing)) found.push_back(inspect(system, path, true));
  for (const fs::path& directory : leftovers(path))
    found.push_back(inspect(system, directory, false));
  const auto age = [](const Candidate& candidate) {
    return candidate.manifest ? candidate.manifest->sequence : 0;
  };
  std::stable_sort(found.begin(), found.end(),
                   [&](const Candidate& left, const Candidate& right) {
                     return age(left) > age(right);
                   });
  return found;
}

std::vector<std::byte> read_part(FileSystem& system, const fs::path& path,
                                 const Manifest::File& expected) {
  auto bytes = read_file(system, path, expected.bytes);
  require<DataError>(bytes.size() == expected.bytes, path.string(),
                     ": expected ", expected.bytes, " bytes, got ",
                     bytes.size());
  const std::uint32_t got = crc32_of(bytes);
  require<DataError>(got == expected.crc32, path.string(), ": expected CRC-32 ",
                     crc32_text(expected.crc32), ", got ", crc32_text(got));
  return bytes;
}

Checkpoint read_checkpoint(FileSystem& system, const fs::path& directory,
                           const Manifest& manifest) {
  Checkpoint checkpoint{directory, manifest.sequence, {}};
  for (const auto& [name, expected] : manifest.files)
    checkpoint.files[name] = read_part(system, directory / name, expected);
  return checkpoint;
}

void check_parts(std::span<const CheckpointPart> parts) {
  std::vector<std::string_view> names;
  for (const CheckpointPart& part : parts) {
    require(is_part_name(part.name),
            "save_checkpoint: expected a file name, got '", part.name, "'");
    names.push_back(part.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  require(twice == names.end(), "save_checkpoint: two files of one name '",
          twice == names.end() ? "" : *twice, "'");
}

/// Writes a complete checkpoint to the new folder `directory` and waits for
/// the disk. The manifest comes last: without one it is known as unfinished.
void write_checkpoint(FileSystem& system, const fs::path& directory,
                      std::uint64_t sequence,
                      std::span<const CheckpointPart> parts) {
  Manifest manifest{sequence, {}};
  if (system.make_directory(directory.c_str(), 0777) != 0)
    fail<FileError>(directory.string(),
                    ": mkdir failed: ", std::strerror(errno));
  for (const CheckpointPart& part : parts) {
    write_file(system, directory / part.name, part.bytes);
    manifest.files[part.name] = {part.bytes.size(), crc32_of(part.bytes)};
  }
  write_file(system, directory / manifest_name,
             as_bytes(manifest_text(manifest)));
  sync_directory(system, directory);
}

bool exchange_unsupported(int error) {
  return error == EINVAL || error == ENOSYS || error == ENOTSUP;
}

/// Step 2 without RENAME_EXCHANGE: `path` is missing for a moment, but not
/// what it held.
void swap_by_renames(FileSystem& system, const fs::path& fresh,
                     const fs::path& path, std::uint64_t sequence) {
  const fs::path old = sibling(path, ".old-", sequence);
  rename_path(system, path, old);
  try {
    rename_path(system, fresh, path);
  } catch (...) {
    system.rename(old.c_str(), path.c_str());
    throw;
  }
}

/// Step 2: puts the complete checkpoint `fresh` in the place of `path`.
void put_in_place(FileSystem& system, const fs::path& fresh,
                  const fs::path& path, std::uint64_t sequence) {
  std::error_code error;
  if (fs::symlink_status(path, error).type() == fs::file_type::not_found)
    return rename_path(system, fresh, path);
  if (system.exchange(fresh.c_str(), path.c_str()) == 0) return;
  if (!exchange_unsupported(errno))
    fail<FileError>(path.string(),
                    ": renameat2 failed: ", std::strerror(errno));
  swap_by_renames(system, fresh, path, sequence);
}

/// Makes room: removes what can never be loaded. Returns the number of the
/// newest save of which anything is known.
std::uint64_t remove_unfinished(FileSystem& system, const fs::path& path) {
  std::uint64_t newest = 0;
  for (const Candidate& candidate : candidates(system, path)) {
    require<FileError>(!candidate.unreadable, candidate.reason);
    if (candidate.manifest)
      newest = std::max(newest, candidate.manifest->sequence);
    else if (candidate.unfinished)
      remove_tree(system, candidate.directory);
  }
  return newest;
}

/// A name for a new folder that nothing has.
fs::path fresh_name(const fs::path& path, std::uint64_t sequence) {
  std::error_code error;
  for (std::uint64_t number = sequence;; ++number) {
    const fs::path name = sibling(path, ".tmp-", number);
    if (!fs::exists(fs::symlink_status(name, error))) return name;
  }
}

}  // namespace

std::uint64_t save_checkpoint(FileSystem& system, const fs::path& path,
                              std::span<const CheckpointPart> parts) {
  require(path.has_filename(),
          "save_checkpoint: expected the name of a folder, got '",
          path.string(), "'");
  check_parts(parts);
  const std::uint64_t sequence = remove_unfinished(system, path) + 1;
  const fs::path fresh = fresh_name(path, sequence);
  try {
    write_checkpoint(system, fresh, sequence, parts);
  } catch (...) {
    try_remove_tree(system, fresh);
    throw;
  }
  put_in_place(system, fresh, path, sequence);
  sync_directory(system, parent_folder(path));
  // What cannot be removed now is removed by the next save.
  for (const fs::path& directory : leftovers(path))
    try_remove_tree(system, directory);
  return sequence;
}

CheckpointSearch find_checkpoint(FileSystem& system, const fs::path& path) {
  CheckpointSearch search;
  bool any_complete = false;
  for (const Candidate& candidate : candidates(system, path)) {
    const auto skip = [&](const std::string& reason) {
      search.skipped.push_back(candidate.directory.string() + ": " + reason);
    };
    any_complete = any_complete || !candidate.unfinished;
    if (!candidate.manifest) {
      skip(candidate.reason);
      continue;
    }
    try {
      search.checkpoint =
          read_checkpoint(system, candidate.directory, *candidate.manifest);
      return search;
    } catch (const Error& damaged) {
      skip(damaged.what());
    }
  }
  if (!any_complete) return search;
  std::string reasons;
  for (const std::string& reason : search.skipped) reasons += "\n  " + reason;
  fail<DataError>(path.string(), ": no checkpoint verifies:", reasons);
}

}  // namespace sigtape
