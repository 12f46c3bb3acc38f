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

/// Where a data set stands whose batches go to a device: there, or in main
/// memory, from where each batch is copied.
enum class Residence { device, main_memory };

/// A data set in the element type of training, on its device or streamed to it,
/// from which batches are gathered without any allocation outside the caching
/// allocators.
class BatchSource {
 public:
  BatchSource(const Dataset& dataset, TargetForm form, TensorOptions options,
              Residence residence = Residence::device);

  std::int64_t cases() const {
    return static_cast<std::int64_t>(lengths_.size());
  }
  /// The shape a model must accept.
  ValueShape shape() const;
  /// That of the batches.
  Device device() const { return options_.device; }
  /// Whether the data stands in main memory and its batches elsewhere.
  bool is_streamed() const { return points_.device() != options_.device; }
  /// Bytes that the data takes.
  std::int64_t bytes() const;
  /// The batch of the cases at `indices`, at least one.
  Batch gather(std::span<const std::int64_t> indices) const;
  /// The batch of a table (3, batch): of each case its index, first point and
  /// length in `points` and `targets`, which are shaped as those of this data
  /// and stand with the table on the batches' device. It is padded to `length`
  /// points, and has lengths where they are `unequal`: with those of shape()
  /// all batches are of one shape.
  Batch gather(const Tensor& table, const Tensor& points, const Tensor& targets,
               const ValueShape& padded) const;
  /// The shape of a batch of the cases at `indices`.
  ValueShape shape(std::span<const std::int64_t> indices) const;

  /// (all points, channels) and (cases) or (cases, outputs).
  const Tensor& points() const { return points_; }
  const Tensor& targets() const { return targets_; }
  /// Of each case its first point, and its number of points.
  std::span<const std::int64_t> offsets() const { return offsets_; }
  std::span<const std::int64_t> lengths() const { return lengths_; }
  /// (2, cases) on the data's device where that is no CPU: both of these.
  const Tensor& layout() const { return layout_; }

 private:
  Tensor select_streams(std::span<const std::int64_t> indices,
                        std::int64_t length) const;
  // `table` (3, batch): of each case its index, first point and length.
  static Tensor gather_targets(const Tensor& table, const Tensor& targets);

  TensorOptions options_;
  TargetForm form_;
  std::int64_t channels_;
  std::vector<std::int64_t> lengths_, offsets_;
  Tensor points_;   // (all points, channels)
  Tensor targets_;  // (cases) or (cases, outputs)
  Tensor layout_;
};

}  // namespace sigtape
