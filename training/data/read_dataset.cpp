#include "sigtape/training/data/read_dataset.h"

#include "sigtape/framework/check.h"
#include "sigtape/framework/random.h"
#include "sigtape/training/data/array_reader.h"
#include "sigtape/training/data/csv_reader.h"
#include "sigtape/training/data/generators.h"
#include "sigtape/training/data/number.h"
#include "sigtape/training/data/random_streams.h"
#include "sigtape/training/data/ts_reader.h"
#include "sigtape/training/io/named_array.h"

namespace sigtape {

namespace {

std::vector<double> normal_numbers(std::int64_t count, std::uint64_t seed,
                                   RandomStream stream) {
  std::vector<double> numbers(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = philox_normal(seed, i, static_cast<std::uint64_t>(stream));
  }
  return numbers;
}

}  // namespace

FormatChoice format_of(const std::string& path) {
  const std::string name = lower_case(path);
  if (name.ends_with(".ts")) return FormatChoice::ts;
  if (name.ends_with(".csv")) return FormatChoice::csv;
  if (name.ends_with(".npy")) return FormatChoice::npy;
  if (name.ends_with(".npz")) return FormatChoice::npz;
  fail(path,
       ": expected a name that ends with .ts, .csv, .npy or .npz, or the "
       "format in data.format");
}

Dataset read_dataset(const std::string& path, FormatChoice format,
                     MissingChoice missing) {
  if (format == FormatChoice::automatic) format = format_of(path);
  switch (format) {
    case FormatChoice::csv:
      return read_csv(path, missing);
    case FormatChoice::npy:
      return read_npy_dataset(path, "", missing);
    case FormatChoice::npz:
      return read_npz_dataset(path, missing);
    default:
      return read_ts(path, missing);
  }
}

Dataset read_dataset(const DataSource& source, FormatChoice format,
                     MissingChoice missing, std::uint64_t seed) {
  if (const auto* file = std::get_if<FileSource>(&source)) {
    return read_dataset(file->path, format, missing);
  }
  if (const auto* pair = std::get_if<NpySource>(&source)) {
    return read_npy_dataset(pair->x, pair->y, missing);
  }
  if (const auto* generator = std::get_if<GeneratorSource>(&source)) {
    return make_generated(*generator, seed);
  }
  const auto& random = std::get<RandomSource>(source);
  return make_random(random.cases, random.length, random.channels,
                     random.outputs, seed);
}

Dataset read_dataset(const DataSource& source, const DataConfig& config,
                     std::uint64_t seed) {
  Dataset data = read_dataset(source, config.format, config.missing, seed);
  if (config.time_stamps == TimeStampsChoice::channel)
    append_time_channel(data);
  return data;
}

Dataset make_random(std::int64_t cases, std::int64_t length,
                    std::int64_t channels, std::int64_t outputs,
                    std::uint64_t seed) {
  require(cases >= 1 && length >= 1 && channels >= 1 && outputs >= 0,
          "random data: expected at least 1 case, point and channel and 0 "
          "outputs, got ",
          cases, ", ", length, ", ", channels, " and ", outputs);
  Dataset data;
  data.source = "random";
  data.cases = cases;
  data.channels = channels;
  data.outputs = outputs;
  data.values =
      normal_numbers(element_count({cases, length, channels}, "random data"),
                     seed, RandomStream::random_inputs);
  data.numbers = normal_numbers(element_count({cases, outputs}, "random data"),
                                seed, RandomStream::random_targets);
  if (outputs > 0) data.target = TargetKind::numbers;
  data.lengths.assign(static_cast<std::size_t>(cases), length);
  for (std::int64_t i = 0; i < cases; ++i) data.offsets.push_back(i * length);
  return data;
}

}  // namespace sigtape
