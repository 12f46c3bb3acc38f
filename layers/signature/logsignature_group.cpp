#include "sigtape/layers/signature/logsignature_group.h"

#include "sigtape/framework/ops.h"
#include "sigtape/layers/signature/signature_combine.h"
#include "sigtape/layers/signature/signature_group.h"
#include "sigtape/layers/signature/signature_inversion.h"

namespace sigtape {

namespace {

Tensor exponential(const Tensor& logsignature, std::int64_t channels,
                   std::int64_t depth, LogSignatureMode mode) {
  return logsignature_to_signature(logsignature, channels, depth,
                                   {.mode = mode});
}

Tensor logarithm(const Tensor& signature, std::int64_t channels,
                 std::int64_t depth, LogSignatureMode mode) {
  return signature_to_logsignature(signature, channels, depth, {.mode = mode});
}

void check_increment(const char* op, const Tensor& increment) {
  require(increment.defined() && increment.rank() == 2 && increment.size(1) > 0,
          op, ": expected increments (batch, channels), got ",
          increment.defined() ? increment.shape() : Shape());
}

}  // namespace

Tensor logsignature_combine(const Tensor& first, const Tensor& second,
                            std::int64_t channels, std::int64_t depth,
                            LogSignatureMode mode) {
  return logarithm(signature_combine(exponential(first, channels, depth, mode),
                                     exponential(second, channels, depth, mode),
                                     channels, depth),
                   channels, depth, mode);
}

Tensor logsignature_join(const Tensor& logsignature, const Tensor& increment,
                         std::int64_t depth, LogSignatureMode mode,
                         bool front) {
  check_increment("logsignature_join", increment);
  const std::int64_t channels = increment.size(1);
  return logarithm(
      signature_join(exponential(logsignature, channels, depth, mode),
                     increment, depth, front),
      channels, depth, mode);
}

Tensor invert_logsignature(const Tensor& logsignature, std::int64_t depth,
                           std::int64_t channels, LogSignatureMode mode,
                           const Tensor& initial_position) {
  return invert_signature(exponential(logsignature, channels, depth, mode),
                          depth, channels, initial_position);
}

Tensor linear_signature(const Tensor& increment, std::int64_t depth,
                        bool scalar_term) {
  check_increment("linear_signature", increment);
  const Shape point = {increment.size(0), 1, increment.size(1)};
  return signature(reshape(increment, point), depth,
                   {.basepoint = true, .scalar_term = scalar_term});
}

}  // namespace sigtape
