#pragma once

#include <cstdint>
#include <vector>

#include "sigtape/layers/signature/signature.h"

/// Signatures by the definition, one element of the algebra after another, in
/// double: no formula is shared with the library (tensor powers over
/// factorials in place of Horner's scheme, a Neumann series in place of the
/// antipode).
namespace sigtape::test {

/// An element of the tensor algebra over R^channels cut off after a level:
/// levels[k] has the channels^k coefficients of the words of k letters.
struct Series {
  std::int64_t channels = 0;
  std::vector<std::vector<double>> levels;

  int depth() const { return static_cast<int>(levels.size()) - 1; }
  double at(const std::vector<int>& word) const;
};

/// 1.
Series unit(std::int64_t channels, int depth);
Series product(const Series& a, const Series& b);
/// sum_k x^k / k!
Series exponential(const std::vector<double>& x, int depth);
/// sum_k (1 - a)^k, for a whose level 0 is 1.
Series inverse(const Series& a);
/// sum_k (-1)^(k+1) (a - 1)^k / k, for a whose level 0 is 1.
Series logarithm(const Series& a);

/// Levels 1 and up in a row, level 0 before them with a scalar term.
std::vector<double> flatten(const Series& a, bool scalar_term = false);
/// The way back, `values` being those of one signature; level 0 is 1.
Series unflatten(const double* values, std::int64_t channels, int depth,
                 bool scalar_term = false);

/// The elements of signature(path, depth, options), all float64.
std::vector<double> naive_signature(const Tensor& path, int depth,
                                    const SignatureOptions& options = {});

}  // namespace sigtape::test
