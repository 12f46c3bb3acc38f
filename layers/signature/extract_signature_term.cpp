#include "sigtape/layers/signature/extract_signature_term.h"

#include "sigtape/framework/check.h"
#include "sigtape/framework/ops.h"

namespace sigtape {

Tensor extract_signature_term(const Tensor& signature, std::int64_t channels,
                              std::int64_t depth, bool scalar_term) {
  const std::int64_t end = signature_channels(channels, depth, scalar_term);
  require(signature.defined() && signature.rank() > 0,
          "extract_signature_term: expected a signature (..., S)");
  const std::int64_t columns = signature.size(-1);
  std::int64_t full = end;
  for (std::int64_t n = depth; full < columns; ++n)
    full = signature_channels(channels, n + 1, scalar_term);
  require(full == columns,
          "extract_signature_term: expected the last dimension of a signature "
          "over ",
          channels, " channels of depth ", depth, " or more, ", end,
          " or more, got ", signature.shape());
  return slice(signature, -1, level_offset(channels, depth) + scalar_term, end);
}

}  // namespace sigtape
