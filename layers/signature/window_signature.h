#pragma once

#include <cstdint>

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/logsignature.h"
#include "sigtape/layers/signature/signature.h"
#include "sigtape/layers/signature/windows.h"

namespace sigtape {

/// The meaning is that of SignatureOptions, for every window as a path of its
/// own: a basepoint stands before each of them.
struct WindowSignatureOptions {
  Basepoint basepoint = {};
  bool inverse = false;
  bool scalar_term = false;
  /// int64 (batch): the number of true points of each path. The windows are
  /// those of the true points; the results of a path with less windows than one
  /// of `length` points repeat its last one (window_counts tells how many there
  /// are). On a GPU a path too short for its windows is told where its memory
  /// is next read.
  Tensor lengths = {};
};

/// The signatures of windows of every path (batch, length, channels): (batch,
/// windows, S). Row w of path b is signature(points start .. end - 1 of path
/// b). The path is cut where windows start and end, the signature of each
/// piece is taken once, and windows are multiplied up from pieces with shared
/// products: about three of them for each window that is longer than a piece.
/// Differentiable in path and a basepoint tensor, once; twice where windows
/// share so little that each is walked over by itself. Throws what signature
/// throws, and UsageError for a window that is not in the path, a path too
/// short for one window, and one point without a basepoint.
Tensor window_signature(const Tensor& path, std::int64_t depth,
                        const Windows& windows,
                        const WindowSignatureOptions& options = {});

struct WindowLogSignatureOptions {
  Basepoint basepoint = {};
  bool inverse = false;
  LogSignatureMode mode = LogSignatureMode::words;
  Tensor lengths = {};
};

/// The logarithms of those: (batch, windows, columns).
Tensor window_logsignature(const Tensor& path, std::int64_t depth,
                           const Windows& windows,
                           const WindowLogSignatureOptions& options = {});

}  // namespace sigtape
