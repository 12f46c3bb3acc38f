#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sigtape {

/// What a case is to be mapped to: nothing known, one of a list of classes, or
/// a row of numbers.
enum class TargetKind { none, classes, numbers };

/// Streams of one file with their targets, in float64. The points of all cases
/// stand one after another, so nothing is padded: channel c of point t of case
/// i is values[(offsets[i] + t) * channels + c].
struct Dataset {
  /// Where the data came from, for messages.
  std::string source;
  std::int64_t cases = 0;
  std::int64_t channels = 0;
  /// Points per case, each at least 1.
  std::vector<std::int64_t> lengths;
  /// Points before the first one of each case.
  std::vector<std::int64_t> offsets;
  /// [sum of lengths, channels], finite.
  std::vector<double> values;
  /// Time stamps, [sum of lengths], of the first channel where channels differ;
  /// dates as seconds since 1970. Empty where the file has none.
  std::vector<double> times;

  TargetKind target = TargetKind::none;
  /// In the order of the file's header, or sorted (by value where all of them
  /// are numbers) where the file declares no order.
  std::vector<std::string> class_names;
  /// [cases], positions in class_names; empty without classes.
  std::vector<std::int64_t> labels;
  /// Numbers per case; 0 without numbers.
  std::int64_t outputs = 0;
  /// [cases, outputs], finite.
  std::vector<double> numbers;

  /// Points of all cases together.
  std::int64_t points() const;
  /// Length of the shortest case; 0 without cases.
  std::int64_t min_length() const;
  /// Length of the longest case; 0 without cases.
  std::int64_t max_length() const;
  /// Whether all cases have the same length.
  bool equal_lengths() const { return min_length() == max_length(); }
  /// The points of one case, [lengths[index], channels].
  std::span<const double> stream(std::int64_t index) const;
  /// Cases of each class, [class_names.size()].
  std::vector<std::int64_t> class_counts() const;

  /// Appends a case of values.size() / channels points, without target.
  void add_stream(std::span<const double> points);
};

/// The cases of `dataset` at `indices`, in that order; class names and source
/// are kept. An index out of range is a UsageError.
Dataset subset(const Dataset& dataset, std::span<const std::int64_t> indices);

/// Appends a channel to all cases: the time of each point, counted from the
/// first point of its case. `times` stays. Throws DataError, naming the source,
/// where there are none.
void append_time_channel(Dataset& dataset);

/// Renumbers the labels of `dataset` by the order of `class_names`, so that
/// every file of a run and a stored model number their classes alike. A case
/// of a class not in the list is a DataError that names both. Other kinds of
/// target are left as they are.
void align_classes(Dataset& dataset,
                   const std::vector<std::string>& class_names);

/// Fills class_names and labels from one name per case, in the order described
/// at Dataset::class_names for files that declare none.
void set_classes(Dataset& dataset, const std::vector<std::string>& names);

/// `count` and `noun` with a plural s where it takes one: "1 case", "2 cases".
std::string counted(std::int64_t count, const std::string& noun);

/// The names separated by commas, at most 20 of them.
std::string listed(std::span<const std::string> names);

}  // namespace sigtape
