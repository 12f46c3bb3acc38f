#pragma once

#include <cstdint>

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/lyndon.h"
#include "sigtape/layers/signature/signature.h"

namespace sigtape {

/// In which coordinates a log-signature is given. expand: the coefficients of
/// all words, as in a signature. words: those of the Lyndon words, which
/// determine the others. brackets: the coefficients in the basis of the Lyndon
/// brackets (see lyndon.h). The fast one is words.
enum class LogSignatureMode { expand, words, brackets };

/// "expand", "words" or "brackets".
const char* name_of(LogSignatureMode mode);

/// Columns of a log-signature: logsignature_channels(channels, depth), or
/// signature_channels(channels, depth) with expand.
std::int64_t logsignature_columns(std::int64_t channels, std::int64_t depth,
                                  LogSignatureMode mode);

/// The meaning of what is not explained is that of SignatureOptions.
struct LogSignatureOptions {
  bool stream = false;
  Basepoint basepoint = {};
  bool inverse = false;
  LogSignatureMode mode = LogSignatureMode::words;
  Tensor lengths = {};
};

/// The logarithm of the signature of each path (batch, length, channels) up to
/// words of `depth` letters, log(1 + s) = s - s (x) s / 2 + ...: (batch,
/// columns), with stream (batch, rows, columns), rows as of a signature.
/// Differentiable in path and a basepoint tensor. Throws what signature throws.
Tensor logsignature(const Tensor& path, std::int64_t depth,
                    const LogSignatureOptions& options = {});

struct LogSignatureConversion {
  /// Both sides have a dimension of rows between batch and columns.
  bool stream = false;
  LogSignatureMode mode = LogSignatureMode::words;
  /// The signature has a constant 1 before the first word; its gradient is 0.
  bool scalar_term = false;
};

/// The logarithm of signatures (batch, S) or, with stream, (batch, rows, S).
/// In the modes words and brackets they must be signatures of paths, not just
/// any tensors; this is not checked. Differentiable; throws UsageError for
/// wrong shapes, types and sizes, MemoryError where there is no room.
Tensor signature_to_logsignature(const Tensor& signature, std::int64_t channels,
                                 std::int64_t depth,
                                 const LogSignatureConversion& options = {});

/// The way back: the exponential of log-signatures (batch, columns) or, with
/// stream, (batch, rows, columns), as signatures with S columns.
/// Differentiable; throws as above.
Tensor logsignature_to_signature(const Tensor& logsignature,
                                 std::int64_t channels, std::int64_t depth,
                                 const LogSignatureConversion& options = {});

}  // namespace sigtape
