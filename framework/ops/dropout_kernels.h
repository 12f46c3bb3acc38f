#pragma once

#include "sigtape/framework/dispatch.h"

namespace sigtape {

/// out[i] = 0 where number first + i of the sequence of `seed` is below p,
/// else scale * a[i]; both contiguous of `count` elements.
template <class T>
void dropout_apply(Cpu, std::int64_t count, std::uint64_t seed,
                   std::uint64_t first, double p, T scale, const T* a, T* out);

/// The same on a GPU.
template <class T>
void dropout_apply(Cuda, std::int64_t count, std::uint64_t seed,
                   std::uint64_t first, double p, T scale, const T* a, T* out);

}  // namespace sigtape
