#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sigtape/layers/module.h"
#include "sigtape/training/data/dataset.h"

namespace sigtape {

/// Inputs and targets of one step.
struct Batch {
  /// (batch, length, channels): shorter streams repeat their last point, and
  /// `lengths` is defined where there are any.
  Value inputs;
  /// int64 (batch) for classes; (batch, outputs) for numbers and for classes
  /// as one-hot rows; undefined where the data has no targets.
  Tensor targets;
};

/// How targets reach the loss.
enum class TargetForm { labels, one_hot, numbers, none };

/// A data set in the element type of training, on its device, from which
/// batches are gathered without any allocation outside the caching allocators.
class BatchSource {
 public:
  BatchSource(const Dataset& dataset, TargetForm form, TensorOptions options);

  std::int64_t cases() const {
    return static_cast<std::int64_t>(lengths_.size());
  }
  /// The shape a model must accept.
  ValueShape shape() const;
  Device device() const { return options_.device; }
  /// Bytes that the data takes.
  std::int64_t bytes() const;
  /// The batch of the cases at `indices`, at least one.
  Batch gather(std::span<const std::int64_t> indices) const;
  /// The batch of a table (3, batch) on the data's device: of each case its
  /// index, first point and length. All batches are of one shape, that of the
  /// longest stream, and have lengths where any two streams differ in them.
  Batch gather(const Tensor& table) const;
  /// (2, cases) on the data's device, which is no CPU: first points, lengths.
  const Tensor& layout() const { return layout_; }

 private:
  Tensor select_streams(std::span<const std::int64_t> indices,
                        std::int64_t length) const;
  // `table` (3, batch): of each case its index, first point and length.
  Tensor gather_targets(const Tensor& table) const;

  TensorOptions options_;
  TargetForm form_;
  std::int64_t channels_;
  std::vector<std::int64_t> lengths_, offsets_;
  Tensor points_;   // (all points, channels)
  Tensor targets_;  // (cases) or (cases, outputs)
  Tensor layout_;
};

}  // namespace sigtape
