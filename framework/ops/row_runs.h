#pragma once

#include "sigtape/framework/tensor.h"

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

/// The rows of x, [rows, width] and in row-major order, where they stand: in
/// runs of a selection's blocks, or of all rows. With a `length` above 0 runs
/// are of that many, which divides the rows.
template <class T>
RowRuns<T> row_runs(const Tensor& x, std::int64_t length = 0) {
  RowRuns<T> runs;
  runs.width = x.size(1);
  const auto row = static_cast<std::int64_t>(runs.width * sizeof(T));
  const RowSelection* s = x.impl()->storage->selection();
  if (s && row > 0 && s->bytes % row == 0 &&
      (length == 0 || s->bytes == length * row) &&
      x.numel() * static_cast<std::int64_t>(sizeof(T)) == s->bytes * s->count) {
    const auto* source = static_cast<const char*>(s->source->data());
    runs.data = reinterpret_cast<const T*>(source);
    runs.end = reinterpret_cast<const T*>(source + s->source->bytes());
    runs.starts = s->starts;
    runs.runs = s->count;
    runs.length = s->bytes / row;
  } else {
    runs.data = x.data<T>();
    runs.end = runs.data + x.numel();
    runs.length = length ? length : x.size(0);
    runs.runs = length ? x.size(0) / length : 1;
  }
  return runs;
}

}  // namespace sigtape
