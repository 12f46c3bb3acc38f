#pragma once

#include <cstdint>

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/signature.h"

namespace sigtape {

struct SignatureConv1dOptions {
  /// None, zero or the same point for all paths; not a tensor.
  Basepoint basepoint = {};
  /// int64 (batch): the number of true points of each path, for padded
  /// batches: as many as one window of signatures needs, or more. Undefined:
  /// all points are true.
  Tensor lengths = {};
};

/// conv1d(signature(path, depth, stream), weight, bias) without the stream of
/// signatures in between: its words are made, used and forgotten one subtree
/// of words at a time, forward and backward, in memory of the size of path and
/// result. path (batch, length, channels), weight (out, S, kernel) with S =
/// signature_channels(channels, depth), bias (out) or undefined; result
/// (batch, rows, out), rows = length - kernel (with a basepoint one more).
/// Rows of windows that reach beyond a path's true points are 0 and carry no
/// gradient. Differentiable in path, weight and bias, once. Throws UsageError
/// for wrong shapes and types, MemoryError where the working memory would not
/// fit.
Tensor signature_conv1d(const Tensor& path, std::int64_t depth,
                        const Tensor& weight, const Tensor& bias = {},
                        const SignatureConv1dOptions& options = {});

/// The same as a composition of other operations, with the stream: the mark
/// that the kernels are checked against, and what serves depths beyond theirs.
Tensor signature_conv1d_composed(const Tensor& path, std::int64_t depth,
                                 const Tensor& weight, const Tensor& bias = {},
                                 const SignatureConv1dOptions& options = {});

}  // namespace sigtape
