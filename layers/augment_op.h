#pragma once

#include "sigtape/layers/activation.h"

namespace sigtape {

/// What augment_stream puts into its output, beside the layers.
struct AugmentStreamOptions {
  std::int64_t kernel_size = 1;
  Activation activation = Activation::relu;
  bool include_original = true;
  bool include_time = true;
  /// Of x, too, before the first layer, which then acts on single points
  /// (kernel_size 1) without the original; on a CPU.
  bool activate_first = false;
};

/// Whether augment_stream takes these: at most eight layers of few channels,
/// without an activation other than relu.
bool augment_stream_fits(const Tensor& x, TensorList weights,
                         const AugmentStreamOptions& options);

/// Augment's function in one pass over memory: x (batch, length, channels) ->
/// (batch, length - kernel_size + 1, original + time + learned). weights[i]
/// (out, in, kernel_size for i = 0, else 1) and biases[i] (out), undefined for
/// none. lengths: int64 (batch), points of each output stream, or undefined.
/// Keeps x, the parameters and, of short streams on a CPU, the hidden layers
/// for backward; derivatives of any order.
Tensor augment_stream(const Tensor& x, TensorList weights, TensorList biases,
                      const Tensor& lengths,
                      const AugmentStreamOptions& options);

}  // namespace sigtape
