#pragma once

#include <array>
#include <cstdint>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/tensor.h"

namespace sigtape {

/// N operands walked together over one shape, as the kernels of elementwise
/// operations take them: sizes, and each operand's strides with 0 where it is
/// broadcast. Dimensions that can be walked as one are merged, so operands
/// that are all contiguous have a single one.
template <int N>
struct Strided {
  int rank = 0;
  std::array<std::int64_t, Shape::max_rank> sizes{};
  std::array<std::array<std::int64_t, Shape::max_rank>, N> strides{};

  std::int64_t row_length() const { return rank ? sizes[rank - 1] : 1; }
  std::int64_t rows() const {
    std::int64_t rows = 1;
    for (int d = 0; d + 1 < rank; ++d) rows *= sizes[d];
    return rows;
  }
  /// Element offset of operand n at the beginning of `row`.
  std::int64_t offset(int n, std::int64_t row) const {
    std::int64_t at = 0;
    for (int d = rank - 2; d > 0; --d) {
      at += row % sizes[d] * strides[n][d];
      row /= sizes[d];
    }
    if (rank > 1) at += row * strides[n][0];
    return at;
  }
  std::int64_t step(int n) const { return rank ? strides[n][rank - 1] : 0; }
};

/// The walk of `tensors`, each broadcast to `shape`.
template <int N>
Strided<N> strided(const Shape& shape,
                   const std::array<const Tensor*, N>& tensors) {
  Strided<N> walk;
  const auto stride = [&](int n, int d) -> std::int64_t {
    const int i = d - (shape.rank() - tensors[n]->rank());
    if (i < 0 || tensors[n]->shape()[i] == 1) return 0;
    return tensors[n]->strides()[i];
  };
  const auto continues = [&](int d) {  // d goes on where the last one ends
    for (int n = 0; n < N; ++n) {
      const std::int64_t outer = walk.strides[n][walk.rank - 1];
      if (outer != stride(n, d) * shape[d]) return false;
    }
    return true;
  };
  for (int d = 0; d < shape.rank(); ++d) {
    if (shape[d] == 1) continue;
    if (walk.rank == 0 || !continues(d)) walk.sizes[walk.rank++] = 1;
    walk.sizes[walk.rank - 1] *= shape[d];
    for (int n = 0; n < N; ++n) walk.strides[n][walk.rank - 1] = stride(n, d);
  }
  return walk;
}

/// Cuts 0..count-1 into ranges of at least `least`, or one, of about equal size
/// and an even number, and calls body(begin, end) for each, on several threads.
template <class Body>
void even_ranges(std::int64_t count, std::int64_t least, const Body& body) {
  parallel_parts(count, count < 2 * least ? 1 : count / least / 2 * 2, body);
}

/// Calls row(offsets, first, last) for pieces of every row, on several threads
/// for large walks; positions first..last-1 are within the row.
template <int N, class Row>
void for_each_row(const Strided<N>& walk, const Row& row) {
  constexpr std::int64_t least = 1 << 13;
  const std::int64_t length = walk.row_length(), rows = walk.rows();
  if (length == 0 || rows == 0) return;
  const auto run = [&](std::int64_t r, std::int64_t first, std::int64_t last) {
    std::array<std::int64_t, N> offsets;
    for (int n = 0; n < N; ++n) offsets[n] = walk.offset(n, r);
    row(offsets, first, last);
  };
  if (length >= 2 * least) {
    for (std::int64_t r = 0; r < rows; ++r) {
      even_ranges(length, least, [&](std::int64_t first, std::int64_t last) {
        run(r, first, last);
      });
    }
    return;
  }
  even_ranges(rows, divide_up(least, length),
              [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t r = begin; r < end; ++r) run(r, 0, length);
              });
}

}  // namespace sigtape
