#pragma once

#include <memory>
#include <span>

#include "sigtape/training/trainer/batch_source.h"

namespace sigtape {

/// Batches of a data set in main memory, on their way to a device: while a step
/// runs, the next batch is gathered into pinned memory and copied on a second
/// stream. Two batches have room on the device, numbered by the batch of the
/// epoch, even or odd; layout, points and targets are a data set of 2
/// batch_size cases, of which a batch has the first or the second half.
class BatchStream {
 public:
  /// `data` is streamed and outlives this. Throws MemoryError.
  BatchStream(const BatchSource& data, std::int64_t batch_size);
  ~BatchStream();

  /// As BatchSource has them, on the device.
  const Tensor& layout() const;
  const Tensor& points() const;
  const Tensor& targets() const;

  /// Brings batch `next` of an epoch, whose cases come in this order; `order`
  /// outlives the epoch. The steps that follow take it and those after it.
  void start(std::span<const std::int64_t> order, std::int64_t next);
  /// Work given to the device from here on finds the next batch there.
  void before_step();
  /// The next batch, between before_step and after_step, padded to its own
  /// longest stream.
  Batch gather() const;
  /// The step of it has been given to the device: brings the one after it.
  void after_step();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sigtape
