#pragma once

#include <cstdint>

#include "sigtape/layers/sequential.h"
#include "sigtape/training/config/config.h"
#include "sigtape/training/data/dataset.h"
#include "sigtape/training/trainer/model_info.h"

namespace sigtape {

/// Repeats the last point of streams shorter than `least` up to it, or throws
/// DataError naming the first of them.
void lengthen_streams(Dataset& dataset, std::int64_t least, ShortChoice choice);

/// Throws DataError, naming the source, unless `dataset` has targets of the
/// kind and number that `info` tells of.
void require_targets(const Dataset& dataset, const ModelInfo& info);

/// `dataset` as `model` reads it: short streams lengthened, inputs and numbers
/// normalised as in training. Throws DataError, naming the source, where
/// channels or lengths are none that the model takes.
Dataset prepared(Dataset dataset, const ModelInfo& info,
                 const Sequential& model, ShortChoice choice);

}  // namespace sigtape
