#pragma once

#include <algorithm>
#include <cmath>

#include "fuzz/fuzz.h"
#include "sigtape/training/config/config.h"
#include "sigtape/training/data/dataset.h"

namespace sigtape::fuzz {

/// What dataset.h says of every data set that a reader returns.
inline void expect_sound(const Dataset& data) {
  const auto cases = static_cast<std::size_t>(data.cases);
  expect(data.cases >= 1 && data.channels >= 1, "cases and channels");
  expect(data.lengths.size() == cases && data.offsets.size() == cases,
         "a length and an offset for each case");
  std::int64_t points = 0;
  for (std::size_t i = 0; i < cases; ++i) {
    expect(data.lengths[i] >= 1, "a point in every case");
    expect(data.offsets[i] == points, "cases one after another");
    points += data.lengths[i];
  }
  expect(data.values.size() == static_cast<std::size_t>(points * data.channels),
         "a value for each point and channel");
  const auto finite = [](double value) { return std::isfinite(value); };
  expect(std::all_of(data.values.begin(), data.values.end(), finite),
         "finite values");
  expect(std::all_of(data.numbers.begin(), data.numbers.end(), finite),
         "finite targets");
  expect(data.times.empty() ||
             data.times.size() == static_cast<std::size_t>(points),
         "a time for each point");
  if (data.target == TargetKind::classes) {
    expect(data.labels.size() == cases, "a class for each case");
    for (const std::int64_t label : data.labels)
      expect(label >= 0 &&
                 label < static_cast<std::int64_t>(data.class_names.size()),
             "a class of the list");
  } else {
    expect(
        data.numbers.size() == cases * static_cast<std::size_t>(data.outputs),
        "a number for each case and output");
  }
}

/// A policy for missing values, a different one for inputs of different size.
inline MissingChoice policy_of(std::size_t size) {
  return static_cast<MissingChoice>(size % 3);
}

}  // namespace sigtape::fuzz
