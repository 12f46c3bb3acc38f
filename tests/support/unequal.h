#pragma once

#include <cstdint>
#include <vector>

#include "sigtape/layers/module.h"

namespace sigtape::test {

/// Checks that a padded batch equals its streams one by one through `module`,
/// which is built for streams of `channels` channels if it is not yet: outputs
/// at true points, their lengths, gradients of inputs and parameters within
/// `tolerance` of each tensor's largest entry; gradients at padded points
/// exactly 0; all outputs finite. Padding repeats the last point, then is
/// arbitrary.
void check_unequal(Module& module, const std::vector<std::int64_t>& lengths,
                   std::int64_t channels, DType dtype);

}  // namespace sigtape::test
