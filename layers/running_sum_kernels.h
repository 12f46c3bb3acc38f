#pragma once

#include <cstdint>

#include "sigtape/framework/dispatch.h"

namespace sigtape {

/// out[b][t] = x[b][0] + .. + x[b][t], or with `reverse` x[b][t] + .. +
/// x[b][L - 1]; x and out [B, L, C].
template <class T>
void running_sum(Cpu, std::int64_t batch, std::int64_t length,
                 std::int64_t channels, bool reverse, const T* x, T* out);

#ifdef SIGTAPE_CUDA
// Not on a GPU so far: any call of these names says so.
template <class T>
void running_sum(Cuda, std::int64_t, std::int64_t, std::int64_t, bool, const T*,
                 T*) {
  fail<DeviceError>("running_sum: has no CUDA kernel");
}
#endif

}  // namespace sigtape
