#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "sigtape/training/io/files.h"

namespace sigtape {

/// One row of metrics.csv.
struct MetricsRow {
  /// Updates of the weights so far.
  std::int64_t step = 0;
  /// From 1.
  std::int64_t epoch = 0;
  double train_loss = 0;
  /// Both empty where nothing was validated.
  std::optional<double> validation_loss;
  std::optional<double> validation_metric;
  double learning_rate = 0;
  /// Since the run began, the time of earlier sessions included.
  double seconds = 0;
};

/// Writes `row` with its line end into `to` and returns its length. Numbers
/// have the fewest digits that read back as the same bits. Allocates nothing;
/// 256 characters are enough for every row.
std::size_t format_metrics_row(const MetricsRow& row, std::span<char, 256> to);

/// metrics.csv, open for appending. Each row is one write, so that a reader
/// sees whole rows; append() allocates nothing.
class MetricsFile {
 public:
  /// Starts a new file, or replaces one, with the header
  /// step,epoch,train_loss,validation_loss,METRIC,learning_rate,seconds.
  static MetricsFile create(FileSystem& system,
                            const std::filesystem::path& path,
                            const std::string& metric);
  /// Opens the file of a run that goes on after `step`: rows of later steps,
  /// and half a row that a crash left, are removed; a missing file is started.
  /// Throws DataError, naming file and line, where the header is another one
  /// or a row does not begin with a step.
  static MetricsFile resume(FileSystem& system,
                            const std::filesystem::path& path,
                            const std::string& metric, std::int64_t step);

  /// Adds a row.
  void append(const MetricsRow& row);
  /// Waits until the disk holds all rows: before a checkpoint is saved, so
  /// that no crash loses rows that a resumed run will not write again.
  void sync();

 private:
  MetricsFile(FileSystem& system, const std::filesystem::path& path);

  OpenFile file_;
};

}  // namespace sigtape
