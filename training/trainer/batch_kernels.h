#pragma once

#include "sigtape/framework/dispatch.h"

namespace sigtape {

struct BatchSizes {
  std::int64_t batch = 0, length = 0, channels = 0;
};

/// The cases of a batch out of points [all points, channels] into out [batch,
/// length, channels]; shorter streams repeat their last point. table [3,
/// batch]: of each case its index, first point and length.
template <class T>
void gather_streams(Cpu, const BatchSizes& s, const std::int64_t* table,
                    const T* points, T* out);

/// Rows table[0 .. count-1] of source [cases, width] into out [count, width].
template <class T>
void gather_rows(Cpu, std::int64_t count, std::int64_t width,
                 const std::int64_t* table, const T* source, T* out);

/// The same on a GPU.
template <class T>
void gather_streams(Cuda, const BatchSizes& s, const std::int64_t* table,
                    const T* points, T* out);
template <class T>
void gather_rows(Cuda, std::int64_t count, std::int64_t width,
                 const std::int64_t* table, const T* source, T* out);

}  // namespace sigtape
