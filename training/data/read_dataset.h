#pragma once

#include <cstdint>
#include <string>

#include "sigtape/training/config/config.h"
#include "sigtape/training/data/dataset.h"

namespace sigtape {

/// Reads the data that a configuration names: a file, a pair of .npy files, or
/// numbers or paths drawn by `seed`. A file's format goes by the end of its
/// name (.ts, .csv, .npz, or .npy for inputs without targets) unless `format`
/// says it; another ending is a UsageError. What the readers throw is described
/// at read_ts, read_csv, read_npz_dataset and read_npy_dataset.
Dataset read_dataset(const DataSource& source, FormatChoice format,
                     MissingChoice missing, std::uint64_t seed = 0);

/// The same for one file.
Dataset read_dataset(const std::string& path, FormatChoice format,
                     MissingChoice missing);

/// The data of `source` as `config` says: its format, its missing values, and
/// time stamps as a channel (append_time_channel).
Dataset read_dataset(const DataSource& source, const DataConfig& config,
                     std::uint64_t seed = 0);

/// The format that the end of a file's name stands for.
FormatChoice format_of(const std::string& path);

/// `cases` streams of standard normal numbers with `outputs` standard normal
/// targets each (none: no targets), drawn by `seed`: for benchmarks. Sizes
/// below 1 (outputs below 0) are a UsageError.
Dataset make_random(std::int64_t cases, std::int64_t length,
                    std::int64_t channels, std::int64_t outputs,
                    std::uint64_t seed);

}  // namespace sigtape
