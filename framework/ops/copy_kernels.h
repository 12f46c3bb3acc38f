#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops/strided.h"

namespace sigtape {

/// out = a converted to To, over the walk (out, a).
template <class To, class From>
void convert(Cpu, const Strided<2>& walk, To* out, const From* a);

/// out = value, over the walk (out).
template <class T>
void fill(Cpu, const Strided<1>& walk, T* out, T value);

/// out = keep * out + scale * a, over the walk (out, a).
template <class T>
void accumulate(Cpu, const Strided<2>& walk, T* out, const T* a, T keep,
                T scale);

/// The same on a GPU.
template <class To, class From>
void convert(Cuda, const Strided<2>& walk, To* out, const From* a);
template <class T>
void fill(Cuda, const Strided<1>& walk, T* out, T value);
template <class T>
void accumulate(Cuda, const Strided<2>& walk, T* out, const T* a, T keep,
                T scale);

}  // namespace sigtape
