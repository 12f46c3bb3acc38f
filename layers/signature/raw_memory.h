#pragma once

#include <cstddef>
#include <cstdint>

#include "sigtape/framework/tensor.h"

namespace sigtape {

/// At least `bytes` of memory of a device, aligned for any number, that kernels
/// may use as they like; its elements are not set.
inline Tensor raw_memory(std::size_t bytes, Device device = {}) {
  return empty({static_cast<std::int64_t>((bytes + 7) / 8)},
               {DType::float64, device});
}

}  // namespace sigtape
