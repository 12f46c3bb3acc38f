#pragma once

#include "sigtape/framework/dispatch.h"

namespace sigtape {

/// Rows of numbers: `runs` runs of `length` rows of `width` numbers. Run i
/// begins `starts[i]` bytes after `data`, or, where starts is null, where the
/// one before ends.
template <class T>
struct RowRuns {
  const T* data = nullptr;
  const T* end = nullptr;  // of the memory that data points into
  const std::int64_t* starts = nullptr;
  std::int64_t runs = 0, length = 0, width = 0;

  const T* run(std::int64_t i) const {
    if (!starts) return data + i * length * width;
    return reinterpret_cast<const T*>(reinterpret_cast<const char*>(data) +
                                      starts[i]);
  }
};

/// Whether the functions below do a linear map of `in` to `out` numbers on
/// `rows` rows, and faster than matrix products.
bool linear_is_narrow(Cpu, std::int64_t rows, std::int64_t in,
                      std::int64_t out);

/// y [rows, out] = x weight^T + bias, of weight [out, width], bias [out] or
/// null.
template <class T>
void linear_narrow(Cpu, const RowRuns<T>& x, std::int64_t out, const T* weight,
                   const T* bias, T* y);

/// The gradients dweight [out, width] and dbias [out] from dy [rows, out], in
/// one pass; either may be null. Sums follow from the shape alone.
template <class T>
void linear_narrow_gradients(Cpu, const RowRuns<T>& x, std::int64_t out,
                             const T* dy, T* dweight, T* dbias);

}  // namespace sigtape
