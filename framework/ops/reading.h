#pragma once

#include <array>

#include "sigtape/framework/ops/optional.h"
#include "sigtape/framework/ops/strided.h"
#include "sigtape/framework/shapes_only.h"

/// Operands that a kernel is about to read. A selection of blocks that nobody
/// has copied yet is copied then, unless the kernel reads the blocks where they
/// stand; where there are shapes only, the copy is counted here.
namespace sigtape {

/// Counts the copy where there are shapes only.
inline void count_copy(const Tensor& t) {
  if (shapes_only()) t.impl()->storage->data();
}

/// The walk of `tensors`, each broadcast to `shape`.
template <int N>
Strided<N> read_strided(const Shape& shape,
                        const std::array<const Tensor*, N>& tensors) {
  for (const Tensor* t : tensors) count_copy(*t);
  return strided<N>(shape, tensors);
}

/// As dense, for who reads a selection's blocks where they stand.
inline Tensor dense_rows(const Tensor& t) {
  return t.is_contiguous() ? t : dense(t);
}

}  // namespace sigtape
