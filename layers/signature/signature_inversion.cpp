#include "sigtape/layers/signature/signature_inversion.h"

#include <vector>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops.h"
#include "sigtape/layers/signature/channels.h"
#include "sigtape/layers/signature/signature_words.h"

namespace sigtape {

namespace {

void check(const Tensor& signature, std::int64_t depth, std::int64_t channels,
           const Tensor& position) {
  require(channels >= 1, "invert_signature: expected at least 1 channel, got ",
          channels);
  require(depth >= 1, "invert_signature: expected depth >= 1, got ", depth);
  require(signature.defined(),
          "invert_signature: expected a signature, got no tensor");
  const Shape& shape = signature.shape();
  require(shape.rank() == 2 && shape[0] > 0,
          "invert_signature: expected a signature (batch, S), got ", shape);
  require(is_floating(signature.dtype()),
          "invert_signature: expected float32 or float64, got int64 ", shape);
  const std::int64_t columns = signature_channels(channels, depth);
  require(shape[1] == columns, "invert_signature: expected ", columns,
          " columns for ", channels, " channels and depth ", depth,
          ", without a scalar term, got signature ", shape);
  if (!position.defined()) return;
  const Shape expected = {shape[0], channels};
  require(position.shape() == expected,
          "invert_signature: expected an initial position of shape ", expected,
          ", got ", position.shape());
  require_same_type("invert_signature", signature, position);
}

// Level n of the signature, (batch, before, inserted, after) words.
Tensor level(const Tensor& signature, std::int64_t channels, int n,
             std::int64_t before, std::int64_t inserted) {
  const std::int64_t begin = level_offset(channels, n);
  const std::int64_t words = words_of_level(channels, n);
  return reshape(
      slice(signature, 1, begin, begin + words),
      {signature.size(0), before, inserted, words / before / inserted});
}

// Increment i without its division, (batch, channels).
Tensor increment(const Tensor& signature, std::int64_t channels, int depth,
                 int i) {
  const std::int64_t before = words_of_level(channels, i);
  return sum(level(signature, channels, depth - 1, before, 1) *
                 level(signature, channels, depth, before, channels),
             {1, 3});
}

}  // namespace

Tensor invert_signature(const Tensor& signature, std::int64_t depth,
                        std::int64_t channels, const Tensor& initial_position) {
  check(signature, depth, channels, initial_position);
  const int n = static_cast<int>(depth);
  std::vector<Tensor> points = {
      initial_position.defined()
          ? initial_position
          : zeros({signature.size(0), channels},
                  {signature.dtype(), signature.device()})};
  if (n == 1) {
    points.push_back(points[0] + signature);
  } else {
    const Tensor shorter = level(signature, channels, n - 1, 1, 1);
    const Tensor square =
        reshape(sum(shorter * shorter, {1, 2, 3}), {signature.size(0), 1});
    for (int i = 0; i < n; ++i)
      points.push_back(points.back() +
                       increment(signature, channels, n, i) / square);
  }
  for (Tensor& point : points)
    point = reshape(point, {signature.size(0), 1, channels});
  return concat(points, 1);
}

}  // namespace sigtape
