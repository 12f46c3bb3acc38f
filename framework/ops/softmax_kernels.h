#pragma once

#include "sigtape/framework/dispatch.h"

namespace sigtape {

/// out = softmax of a, or its logarithm, along the middle one of the axes
/// [outer, size, inner]; both contiguous.
template <class T>
void softmax_forward(Cpu, bool logarithm, std::int64_t outer, std::int64_t size,
                     std::int64_t inner, const T* a, T* out);

/// The same on a GPU.
template <class T>
void softmax_forward(Cuda, bool logarithm, std::int64_t outer,
                     std::int64_t size, std::int64_t inner, const T* a, T* out);

}  // namespace sigtape
