#include "sigtape/layers/signature/signature_group.h"

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/lyndon.h"
#include "sigtape/layers/signature/signature.h"
#include "sigtape/layers/signature/tensor_series.h"

namespace sigtape {

namespace {

void check(const char* op, const Tensor& signature, std::int64_t channels,
           std::int64_t depth, bool scalar_term) {
  require(channels >= 1, op, ": expected at least 1 channel, got ", channels);
  require(depth >= 1, op, ": expected depth >= 1, got ", depth);
  require(signature.defined(), op, ": expected a signature, got no tensor");
  const Shape& shape = signature.shape();
  require(shape.rank() == 2 && shape[0] > 0, op,
          ": expected a signature (batch, S), got ", shape);
  require(is_floating(signature.dtype()), op,
          ": expected float32 or float64, got int64 ", shape);
  const std::int64_t columns = signature_channels(channels, depth, scalar_term);
  require(shape[1] == columns, op, ": expected ", columns, " columns for ",
          channels, " channels and depth ", depth,
          scalar_term ? " with a scalar term" : "", ", got signature ", shape);
}

// The factor of every word, [S], where and of what type `like` is.
Tensor word_factors(std::int64_t channels, std::int64_t depth,
                    std::span<const double> factors, const Tensor& like,
                    bool scalar_term) {
  const std::int64_t columns = signature_channels(channels, depth, scalar_term);
  Tensor weights = empty({columns}, {DType::float64, {}});
  double* w = weights.mutable_data<double>();
  if (scalar_term) *w++ = 1;
  const auto factor = [&](std::int64_t letter) {
    return factors[factors.size() == 1 ? 0 : letter];
  };
  const std::int64_t words = columns - scalar_term;
  for (std::int64_t i = 0; i < words; ++i) {
    const std::int64_t prefix = i / channels - 1;  // -1: the empty word
    w[i] = factor(i % channels) * (prefix < 0 ? 1 : w[prefix]);
  }
  return cast(weights, like.dtype()).to(like.device());
}

}  // namespace

Tensor signature_inverse(const Tensor& signature, std::int64_t channels,
                         std::int64_t depth, bool scalar_term) {
  const char* op = "signature_inverse";
  check(op, signature, channels, depth, scalar_term);
  const SeriesShape shape{.series = TensorSeries::inverse,
                          .rows = signature.size(0),
                          .channels = channels,
                          .depth = static_cast<int>(depth),
                          .argument_scalar_term = scalar_term,
                          .result_scalar_term = scalar_term};
  require_series_fits(op, shape, depth, signature.dtype(),
                      will_record({signature}));
  return tensor_series({"signature_inverse", "signature_inverse_backward",
                        "signature_inverse_second"},
                       signature, shape);
}

Tensor signature_join(const Tensor& signature, const Tensor& increment,
                      std::int64_t depth, bool front, bool scalar_term) {
  const char* op = "signature_join";
  require(increment.defined(), op,
          ": expected increments (batch, channels), got no tensor");
  require(increment.rank() == 2 && increment.size(1) > 0, op,
          ": expected increments (batch, channels), got ", increment.shape());
  check(op, signature, increment.size(1), depth, scalar_term);
  require(increment.size(0) == signature.size(0), op,
          ": expected increments of the signatures' batch size ",
          signature.size(0), ", got ", increment.shape());
  require(increment.dtype() == signature.dtype(), op,
          ": expected increments of the signatures' type ", signature.dtype(),
          ", got ", increment.dtype());
  // The path of one point, from the origin. In front, by inverses:
  // exp(x) (x) s = exp(-x)^-1 (x) s.
  const Tensor point = reshape(front ? neg(increment) : increment,
                               {increment.size(0), 1, increment.size(1)});
  return sigtape::signature(point, depth,
                            {.basepoint = true,
                             .inverse = front,
                             .initial = signature,
                             .scalar_term = scalar_term});
}

Tensor signature_dilate(const Tensor& signature, std::int64_t channels,
                        std::int64_t depth, std::span<const double> factors,
                        bool scalar_term) {
  const char* op = "signature_dilate";
  check(op, signature, channels, depth, scalar_term);
  require(factors.size() == 1 || std::ssize(factors) == channels, op,
          ": expected 1 factor or one per channel, ", channels, ", got ",
          factors.size());
  return mul(signature,
             word_factors(channels, depth, factors, signature, scalar_term));
}

}  // namespace sigtape
