#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops/strided.h"

namespace sigtape {

/// The axis that indices point into, of a tensor of `shape`, and the distance
/// of its elements. `op` is named by the error for an index out of range.
struct IndexedAxis {
  const char* op;
  Shape shape;
  int dim;
  std::int64_t stride;

  std::int64_t offset(std::int64_t index) const {
    require(index >= 0 && index < shape[dim], op, ": index ", index,
            " is out of range for axis ", dim, " of ", shape);
    return index * stride;
  }
};

/// out = a[index], over the walk (out, index, a); a's step along the indexed
/// axis is 0 in the walk.
template <class T>
void gather(Cpu, const IndexedAxis& axis, const Strided<3>& walk, T* out,
            const std::int64_t* index, const T* a);

/// out[index] += a in row-major order, over the walk (out, index, a); out's
/// step along the indexed axis is 0 in the walk.
template <class T>
void scatter_add(Cpu, const IndexedAxis& axis, const Strided<3>& walk, T* out,
                 const std::int64_t* index, const T* a);

/// The same on a GPU.
template <class T>
void gather(Cuda, const IndexedAxis& axis, const Strided<3>& walk, T* out,
            const std::int64_t* index, const T* a);
template <class T>
void scatter_add(Cuda, const IndexedAxis& axis, const Strided<3>& walk, T* out,
                 const std::int64_t* index, const T* a);

}  // namespace sigtape
