#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sigtape/training/data/dataset.h"

namespace sigtape {

/// Indices of the cases of two parts, each ascending; together every case once.
struct Split {
  std::vector<std::int64_t> train, validation;
};

/// Takes the fraction (0 < fraction < 1) of the cases, rounded, for validation,
/// at random by `seed`. With classes each class gives its share (rounded so
/// that the shares add up) and keeps at least one training case. Throws
/// UsageError for another fraction, DataError where a part would stay empty.
Split split_validation(const Dataset& dataset, double fraction,
                       std::uint64_t seed);

/// `folds` splits for cross-validation: every case is in one validation part.
/// With classes the cases of each class are spread over the folds evenly, to
/// within one. Throws UsageError below 2 folds, DataError where there are
/// fewer cases than folds.
std::vector<Split> split_folds(const Dataset& dataset, std::int64_t folds,
                               std::uint64_t seed);

/// The order in which epoch `epoch` (from 0) takes order.size() cases: a
/// permutation of 0, 1, ... that depends on its arguments only, so a resumed
/// run needs no more than the epoch. Allocates nothing.
void epoch_order(std::uint64_t seed, std::int64_t epoch,
                 std::span<std::int64_t> order);

/// The same as a vector.
std::vector<std::int64_t> epoch_order(std::uint64_t seed, std::int64_t epoch,
                                      std::int64_t cases);

}  // namespace sigtape
