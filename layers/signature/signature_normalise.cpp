#include "sigtape/layers/signature/signature_normalise.h"

#include <vector>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/channels.h"
#include "sigtape/layers/signature/signature_normalise_kernels.h"

namespace sigtape {

namespace {

// Of each word its level, as a row. Made without a copy from main memory, which
// no captured graph can hold.
Tensor level_of_words(std::int64_t channels, std::int64_t depth,
                      TensorOptions options) {
  std::vector<Tensor> levels;
  for (std::int64_t k = 1; k <= depth; ++k) {
    const std::int64_t words =
        level_offset(channels, k + 1) - level_offset(channels, k);
    levels.push_back(full({1, words}, static_cast<double>(k), options));
  }
  return concat(levels, 1);
}

// The squared norm of each level, (batch, depth).
Tensor level_squares(const Tensor& words, std::int64_t channels,
                     std::int64_t depth) {
  std::vector<Tensor> squares;
  for (std::int64_t k = 1; k <= depth; ++k) {
    const Tensor level = slice(words, 1, level_offset(channels, k),
                               level_offset(channels, k + 1));
    squares.push_back(sum(level * level, {1}, true));
  }
  return concat(squares, 1);
}

}  // namespace

Tensor signature_normalise(const Tensor& signature, std::int64_t channels,
                           std::int64_t depth, double bound, bool scalar_term) {
  constexpr const char* op = "signature_normalise";
  const std::int64_t columns = signature_channels(channels, depth, scalar_term);
  require(signature.defined() && is_floating(signature.dtype()) &&
              signature.rank() == 2 && signature.size(0) > 0 &&
              signature.size(1) == columns,
          op, ": expected signatures (batch, ", columns, ") for ", channels,
          " channels and depth ", depth, ", got ",
          signature.defined() ? signature.shape() : Shape());
  require(bound >= 1, op, ": expected a bound of at least 1, got ", bound);
  const std::int64_t batch = signature.size(0);
  const TensorOptions options{signature.dtype(), signature.device()};
  const Tensor words = slice(signature, 1, scalar_term, columns);
  const Tensor squares = level_squares(words, channels, depth);
  const Tensor norm = sum(squares, {1}, true) + 1;
  // Where the norm is below the bound, lambda is 1 and has no derivative.
  const Tensor rows = contiguous(squares.detach()), norms = norm.detach();
  Tensor keep = empty({batch, 1}, {DType::int64, signature.device()});
  Tensor lambda = empty({batch, 1}, options);
  compute_floating(op, rows, [&]<class T>(auto device, T) {
    solve_scales(device, {batch, depth, bound}, rows.data<T>(), norms.data<T>(),
                 keep.mutable_data<std::int64_t>(), lambda.mutable_data<T>());
  });
  const Tensor target = 2 * bound - 1 - (bound * bound) / norm;
  const Tensor k = level_of_words(1, depth, options);
  // Newton's method from the solution: two steps do not change the value, and
  // give it its first two derivatives.
  for (int i = 0; i < 2; ++i) {
    const Tensor terms = squares * pow(lambda, k * 2.);
    const Tensor slope = sum(terms * k * 2., {1}, true) / lambda;
    const Tensor next = lambda - (sum(terms, {1}, true) - target) / slope;
    lambda = where(keep, ones({1}, options), next);
  }
  const Tensor result =
      words * pow(lambda, level_of_words(channels, depth, options));
  return scalar_term ? pad(result, 1, 1, 0, 1) : result;
}

}  // namespace sigtape
