#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops/strided.h"

namespace sigtape {

enum class Arithmetic { add, sub, mul, div };

/// out = a op b, elementwise over the walk (out, a, b).
template <class T>
void arithmetic(Cpu, Arithmetic op, const Strided<3>& walk, T* out, const T* a,
                const T* b);

/// out = scale * a + shift, elementwise over the walk (out, a).
template <class T>
void scale_shift(Cpu, const Strided<2>& walk, T* out, const T* a, T scale,
                 T shift);

/// The same on a GPU.
template <class T>
void arithmetic(Cuda, Arithmetic op, const Strided<3>& walk, T* out, const T* a,
                const T* b);
template <class T>
void scale_shift(Cuda, const Strided<2>& walk, T* out, const T* a, T scale,
                 T shift);

}  // namespace sigtape
