#pragma once

#include <cstdint>

#include "sigtape/framework/tensor.h"

/// Functions of batches of streams of unequal length. `lengths` is int64
/// (batch), the true points of each stream, or undefined where all points are
/// true. What stands beyond the true points never reaches a result at a true
/// point, and gets the gradient 0.
namespace sigtape {

/// Int64 (batch, length, 1): 1 at true points, 0 beyond. `lengths` is defined.
Tensor true_points(const Tensor& lengths, std::int64_t length);

/// lengths + by, on their device.
Tensor shifted_lengths(const Tensor& lengths, std::int64_t by);

/// x (batch, length, channels) with zeros beyond the true points.
Tensor mask_stream(const Tensor& x, const Tensor& lengths);

/// (batch, length, 1): each stream's own linspace(0, 1, points), 0 where it
/// has a single point. Beyond its end a stream repeats its last value.
Tensor time_channel(std::int64_t batch, std::int64_t length,
                    const Tensor& lengths, TensorOptions options = {});

/// Point index[b][j] of stream b at [b][j]: x (batch, length, channels) and
/// int64 index (batch, points), or (1, points) for all streams, -> (batch,
/// points, channels). Throws UsageError for an index outside 0..length - 1.
Tensor take_points(const Tensor& x, const Tensor& index);

/// The same for contiguous indices on the device of x that are known to be
/// right: nothing is read back to check them.
Tensor take_points_unchecked(const Tensor& x, const Tensor& index);

/// Sums along each stream up to each point, with `reverse` from each point on:
/// (batch, length, channels).
Tensor running_sum(const Tensor& x, bool reverse = false);

/// The last true point of each stream: (batch, channels).
Tensor last_point(const Tensor& x, const Tensor& lengths);

/// The mean over each stream's true points: (batch, channels).
Tensor stream_mean(const Tensor& x, const Tensor& lengths);

}  // namespace sigtape
