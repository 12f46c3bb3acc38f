#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "sigtape/training/config/config.h"

namespace sigtape {

/// Fills the missing values (NaN) of one stream, [length, channels], in place,
/// each channel for itself. `forward` repeats the last known value; `linear`
/// joins the known values on both sides by a straight line over the positions
/// and repeats the last known value at the end. Both take the first known
/// value at the beginning.
/// Throws DataError that starts with `where`, which names file and case, for
/// `error` at the first missing value and for a channel that has no value.
void fill_missing(std::span<double> stream, std::int64_t channels,
                  MissingChoice policy, const std::string& where);

}  // namespace sigtape
