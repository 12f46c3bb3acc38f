#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops/strided.h"

namespace sigtape {

/// out = a where condition is not 0, else b, over the walk (out, condition, a,
/// b).
template <class T>
void select(Cpu, const Strided<4>& walk, T* out, const std::int64_t* condition,
            const T* a, const T* b);

/// The same on a GPU.
template <class T>
void select(Cuda, const Strided<4>& walk, T* out, const std::int64_t* condition,
            const T* a, const T* b);

}  // namespace sigtape
