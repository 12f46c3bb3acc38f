#include "sigtape/training/data/normaliser.h"

#include <algorithm>
#include <cmath>

#include "sigtape/framework/check.h"

namespace sigtape {

namespace {

// Every `stride`-th number: one channel of all points.
struct Column {
  std::span<const double> numbers;
  std::size_t first, stride;

  template <class Use>
  void each(Use use) const {
    for (std::size_t i = first; i < numbers.size(); i += stride) {
      use(numbers[i]);
    }
  }
  double count() const { return static_cast<double>(numbers.size() / stride); }
};

struct Map {
  double shift = 0, scale = 1;
};

// Deviations are measured in units of the largest, so that no square
// overflows or vanishes; a constant column is told by its range, because the
// mean is rounded.
Map standard(const Column& column, double least, double largest) {
  double sum = 0, unit = 0, squares = 0;
  column.each([&](double x) { sum += x; });
  const double mean = sum / column.count();
  if (least == largest) return {least, 1};
  column.each([&](double x) { unit = std::max(unit, std::abs(x - mean)); });
  column.each([&](double x) {
    const double part = (x - mean) / unit;
    squares += part * part;
  });
  return {mean, unit * std::sqrt(squares / column.count())};
}

Map fit(const Column& column, NormaliseChoice kind) {
  double least = column.numbers[column.first], largest = least;
  column.each([&](double x) {
    least = std::min(least, x);
    largest = std::max(largest, x);
  });
  if (kind == NormaliseChoice::standard) {
    return standard(column, least, largest);
  }
  return {least, least == largest ? 1 : largest - least};
}

void fit_columns(const Dataset& dataset, std::span<const double> numbers,
                 std::int64_t columns, NormaliseChoice kind,
                 std::vector<double>& shift, std::vector<double>& scale) {
  for (std::int64_t c = 0; c < columns; ++c) {
    const Map map = kind == NormaliseChoice::none
                        ? Map{}
                        : fit({numbers, static_cast<std::size_t>(c),
                               static_cast<std::size_t>(columns)},
                              kind);
    require<DataError>(
        std::isfinite(map.shift) && std::isfinite(map.scale) && map.scale > 0,
        dataset.source,
        ": expected numbers whose mean and range are "
        "representable, found larger or smaller ones in column ",
        c + 1);
    shift.push_back(map.shift);
    scale.push_back(map.scale);
  }
}

void map_columns(std::span<double> numbers, const std::vector<double>& shift,
                 const std::vector<double>& scale) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::size_t c = i % shift.size();
    numbers[i] = (numbers[i] - shift[c]) / scale[c];
  }
}

}  // namespace

void Normaliser::apply(Dataset& dataset) const {
  const auto channels = static_cast<std::int64_t>(shift.size());
  require<DataError>(dataset.channels == channels, dataset.source,
                     ": expected ", counted(channels, "channel"),
                     " as in training, found ", dataset.channels);
  map_columns(dataset.values, shift, scale);
  if (target_shift.empty() || dataset.target != TargetKind::numbers) return;
  const auto outputs = static_cast<std::int64_t>(target_shift.size());
  require<DataError>(dataset.outputs == outputs, dataset.source, ": expected ",
                     counted(outputs, "target"),
                     " per case as in training, found ", dataset.outputs);
  map_columns(dataset.numbers, target_shift, target_scale);
}

void Normaliser::restore_targets(std::span<double> numbers) const {
  if (target_shift.empty()) return;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::size_t c = i % target_shift.size();
    numbers[i] = numbers[i] * target_scale[c] + target_shift[c];
  }
}

Normaliser fit_normaliser(const Dataset& dataset, NormaliseChoice kind,
                          bool standardise_targets) {
  require<DataError>(dataset.cases > 0, dataset.source,
                     ": expected at least one case, found none");
  Normaliser normaliser;
  fit_columns(dataset, dataset.values, dataset.channels, kind, normaliser.shift,
              normaliser.scale);
  if (standardise_targets && kind != NormaliseChoice::none &&
      dataset.target == TargetKind::numbers) {
    fit_columns(dataset, dataset.numbers, dataset.outputs,
                NormaliseChoice::standard, normaliser.target_shift,
                normaliser.target_scale);
  }
  return normaliser;
}

}  // namespace sigtape
