#pragma once

#include <cstdint>

#include "sigtape/framework/dispatch.h"

namespace sigtape {

/// Rows taken from each stream of a batch: x [B, L, C], index [B, P] or, where
/// `shared`, [P] for all streams; indices are in 0..L - 1.
struct PointsShape {
  std::int64_t batch = 0;
  std::int64_t length = 0;
  std::int64_t channels = 0;
  std::int64_t points = 0;
  bool shared = false;

  std::int64_t index_begin(std::int64_t stream) const {
    return shared ? 0 : stream * points;
  }
};

/// out[b][p] = x[b][index[b][p]], [B, P, C].
template <class T>
void take_points(Cpu, const PointsShape& shape, const T* x,
                 const std::int64_t* index, T* out);

/// The adjoint: out [B, L, C] is zero but for a[b][p], [B, P, C], added at
/// index[b][p], in the order of p.
template <class T>
void put_points(Cpu, const PointsShape& shape, const T* a,
                const std::int64_t* index, T* out);

/// The same on a GPU.
template <class T>
void take_points(Cuda, const PointsShape& shape, const T* x,
                 const std::int64_t* index, T* out);
template <class T>
void put_points(Cuda, const PointsShape& shape, const T* a,
                const std::int64_t* index, T* out);

}  // namespace sigtape
