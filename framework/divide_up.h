#pragma once

#include <cstdint>

#include "sigtape/framework/host_device.h"

namespace sigtape {

/// a / b rounded up, of a >= 0 and b > 0.
SIGTAPE_HOST_DEVICE constexpr std::int64_t divide_up(std::int64_t a,
                                                     std::int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace sigtape
