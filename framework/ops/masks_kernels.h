#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops/strided.h"

namespace sigtape {

/// out = -1, 0 or 1 by the sign of a, NaN for NaN, over the walk (out, a).
template <class T>
void sign(Cpu, const Strided<2>& walk, T* out, const T* a);

/// out = 1 where a != 0 and 0 elsewhere, over the walk (out, a).
template <class T>
void nonzero(Cpu, const Strided<2>& walk, std::int64_t* out, const T* a);

/// out = 1 where a == b and 0 elsewhere, over the walk (out, a, b).
template <class T>
void equal(Cpu, const Strided<3>& walk, T* out, const T* a, const T* b);

/// The same on a GPU.
template <class T>
void sign(Cuda, const Strided<2>& walk, T* out, const T* a);
template <class T>
void nonzero(Cuda, const Strided<2>& walk, std::int64_t* out, const T* a);
template <class T>
void equal(Cuda, const Strided<3>& walk, T* out, const T* a, const T* b);

}  // namespace sigtape
