#pragma once

#include <cstdint>

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/signature.h"
#include "sigtape/layers/signature/word_set.h"

namespace sigtape {

/// The meaning is that of SignatureOptions.
struct ProjectionOptions {
  Basepoint basepoint = {};
  bool inverse = false;
  Tensor lengths = {};
};

/// The coefficients of chosen words in the signature of each path (batch,
/// length, channels): (batch, words), in the set's order. Computes the words'
/// prefixes and nothing else, words.multiply_adds() for each increment.
/// Differentiable twice in path and a basepoint tensor. Throws UsageError for
/// wrong shapes, types and lengths.
Tensor projected_signature(const Tensor& path, const WordSet& words,
                           const ProjectionOptions& options = {});

/// Chosen words of signatures (..., S), S = signature_channels(channels,
/// depth, scalar_term): (..., words). Differentiable; throws UsageError for a
/// word longer than `depth` and for wrong sizes.
Tensor extract_signature_words(const Tensor& signature, std::int64_t depth,
                               const WordSet& words, bool scalar_term = false);

}  // namespace sigtape
