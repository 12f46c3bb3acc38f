#pragma once

#include <cstdint>
#include <string>

#include "sigtape/training/config/config.h"
#include "sigtape/training/trainer/model_info.h"

namespace sigtape {

/// Sizes of the data that a plan is for: a part without cases takes nothing.
struct PlannedData {
  std::int64_t cases = 0;
  std::int64_t points = 0;
  std::int64_t validation_cases = 0;
  std::int64_t validation_points = 0;

  /// Of data as a file has it, or of none.
  static PlannedData of(const Dataset& train, const Dataset* validation);
};

/// The most bytes that the library's tensors, tape and scratch memory, all from
/// its caching allocator, take at once in a training. The rest of the process
/// is not counted: the program itself, the data as it was read (float64, in
/// the C++ heap), blocks that the allocator keeps for later.
struct MemoryPlan {
  double weights = 0;
  double gradients = 0;
  double optimizer = 0;
  /// Points and targets in the type of training.
  double data = 0;
  /// A batch and all that a step makes of it, at its peak.
  double activations = 0;
  /// The layer whose parameters, results, saved tensors, scratch memory and
  /// gradients are most of the peak.
  std::string layer;
  double layer_bytes = 0;

  double total() const {
    return weights + gradients + optimizer + data + activations;
  }
};

/// The plan of the training of `config` for a model and data of these sizes:
/// steps of full batches and of an epoch's last one and an evaluation, run with
/// shapes only (framework/shapes_only.h). Without cases the batch is
/// train.batch_size. Of a model whose output does not fit the targets it is
/// empty: to build that is refused. Throws UsageError where layers and shapes
/// do not fit or a signature's number of channels is not representable,
/// MemoryError where one operation alone needs more than 2^50 bytes, or than
/// `limit` leaves where there is one.
MemoryPlan plan_memory(const Config& config, const ModelInfo& info,
                       const PlannedData& data, std::int64_t limit = 0);

/// The plan, where it fits. Throws MemoryError where it passes `limit` bytes
/// (0: none) or an operation would refuse its part under it: names its parts,
/// the layer that takes most, the limit, and the largest depth of the
/// signatures and the largest batch below the given ones that would fit, each
/// with the other as it is; where more than 512 are to be tried, one that fits
/// where the next does not.
MemoryPlan require_memory(const Config& config, const ModelInfo& info,
                          const PlannedData& data, std::int64_t limit);

/// "weights 1.2 KiB, gradients 1.2 KiB, optimiser 2.4 KiB, data 3.0 MiB and
/// activations 1.5 MiB".
std::string plan_text(const MemoryPlan& plan);

/// "1.4 MiB".
std::string byte_text(double bytes);

}  // namespace sigtape
