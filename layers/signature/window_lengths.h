#pragma once

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/windows.h"

/// Windows of streams of unequal length as windows of streams of one length,
/// by indices that are made where the lengths are: nothing is read back, and
/// sizes follow from those of the tensors alone. `lengths` is int64 (batch),
/// contiguous, on the path's device.
namespace sigtape {

/// The path (batch, length, channels) as streams of one length whose windows
/// have the increments of the true points', besides such that are zero: the
/// last point is repeated, of dyadic windows that of each shortest one.
Tensor equally_long(const Tensor& path, const Windows& windows,
                    const Tensor& lengths);

/// Throws UsageError where a stream is shorter than its windows need, of which
/// `least`, int64 (1) for all or (batch) on the device of `lengths`, tells; on
/// a GPU, where its memory is next read.
void require_window_lengths(const Tensor& least, const Tensor& lengths);

/// Results of windows (batch, windows, columns) with those beyond the windows
/// of a stream's true points replaced by its last one.
Tensor repeat_last_window(const Tensor& results, const Windows& windows,
                          const Tensor& lengths);

}  // namespace sigtape
