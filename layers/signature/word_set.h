#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sigtape/framework/tensor.h"
#include "sigtape/layers/signature/lyndon.h"
#include "sigtape/layers/signature/projected_signature_kernels.h"

namespace sigtape {

/// Chosen words over letters 0 .. channels - 1 and the tree of their prefixes,
/// which is all that a projected signature computes.
class WordSet {
 public:
  /// The words in the order of the results' columns; one may come twice.
  /// Throws UsageError for none, an empty word, one of more than 64 letters, or
  /// a letter out of range.
  WordSet(std::int64_t channels, std::vector<Word> words);
  /// Weighted (anisotropic) truncation: the words whose letters' weights add
  /// up to `bound` at most, by length, then lexicographically. Throws
  /// UsageError for a weight that is not above 0, and where no word fits.
  static WordSet weighted(const std::vector<double>& weights, double bound);

  std::int64_t channels() const { return channels_; }
  const std::vector<Word>& words() const { return words_; }
  /// Letters of the longest word.
  std::int64_t depth() const { return depth_; }
  /// Prefixes of the words, the words among them.
  std::int64_t prefixes() const { return shape_.nodes; }
  /// Multiply-adds that forward takes for one increment of a path: the sum
  /// over the prefixes of 1 + the levels of longer words below each.
  std::int64_t multiply_adds() const;
  /// The same of backward: two for each of forward, the recomputation of the
  /// prefixes that are no leaves, and the additions.
  std::int64_t backward_multiply_adds() const;

  /// For kernels: the sizes that depend on the words only, and the int64
  /// tensor that tree() reads. A GPU's copy is made once.
  ProjectionShape shape() const;
  Tensor memory(Device device = {}) const;
  static Projection tree(const Tensor& memory, const ProjectionShape& shape);

 private:
  std::int64_t channels_;
  std::vector<Word> words_;
  std::int64_t depth_ = 0;
  ProjectionShape shape_;
  Tensor memory_;
  struct Copies;
  std::shared_ptr<Copies> copies_;
};

}  // namespace sigtape
