#pragma once

#include <cstdint>

#include "sigtape/framework/dispatch.h"

namespace sigtape {

/// out[b][t] = x[b][0] + .. + x[b][t], or with `reverse` x[b][t] + .. +
/// x[b][L - 1]; x and out [B, L, C].
template <class T>
void running_sum(Cpu, std::int64_t batch, std::int64_t length,
                 std::int64_t channels, bool reverse, const T* x, T* out);

/// The same on a GPU.
template <class T>
void running_sum(Cuda, std::int64_t batch, std::int64_t length,
                 std::int64_t channels, bool reverse, const T* x, T* out);

}  // namespace sigtape
