#pragma once

#include <map>
#include <string>
#include <vector>

#include "sigtape/layers/module.h"
#include "sigtape/training/data/dataset.h"
#include "sigtape/training/data/normaliser.h"

namespace sigtape {

/// What weights need beside the configuration to be applied to new data. It
/// is stored with them, as metadata of best.safetensors.
struct ModelInfo {
  ValueShape input;
  TargetKind target = TargetKind::none;
  std::int64_t outputs = 0;
  std::vector<std::string> class_names;
  /// Of the training loss, one per class, or empty.
  std::vector<double> class_weights;
  Normaliser normaliser;
  bool operator==(const ModelInfo&) const = default;
};

using Metadata = std::map<std::string, std::string>;

Metadata write_info(const ModelInfo& info);

/// Throws DataError naming `source` where the metadata is not write_info's.
ModelInfo read_info(const Metadata& metadata, const std::string& source);

}  // namespace sigtape
