#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sigtape/training/config/config.h"
#include "sigtape/training/data/dataset.h"

namespace sigtape {

/// An affine map of inputs and targets, (value - shift) / scale, that a
/// training part determines. It is stored with the weights and replayed.
struct Normaliser {
  /// One of each per channel.
  std::vector<double> shift, scale;
  /// One of each per number of the target; empty: targets stay as they are.
  std::vector<double> target_shift, target_scale;

  /// Maps inputs, and targets where target_shift is filled, in place. A data
  /// set with other numbers of channels or outputs is a DataError.
  void apply(Dataset& dataset) const;
  /// Maps normalised targets or predictions, [rows, outputs], back in place.
  void restore_targets(std::span<double> numbers) const;
  bool operator==(const Normaliser&) const = default;
};

/// `standard`: mean and population standard deviation of each channel over all
/// points of all cases. `minmax`: least value and range, so that values are
/// from 0 to 1. `none`: 0 and 1. A constant channel has scale 1. With
/// `standardise_targets` numbers get their mean and standard deviation too,
/// unless `kind` is none. Numbers so large that these overflow are a DataError.
Normaliser fit_normaliser(const Dataset& dataset, NormaliseChoice kind,
                          bool standardise_targets);

}  // namespace sigtape
