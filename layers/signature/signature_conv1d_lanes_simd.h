#pragma once

// Between arrays of the caller and the lanes of a group: increments, y and dy
// by time, weights by subtree.

#include "sigtape/layers/signature/signature_conv1d_table.h"
#include "sigtape/layers/signature/signature_rows_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

using cpu::SignatureConv1dPlan;
template <class T>
using Call = cpu::SignatureConv1dCall<T>;

template <class T>
SIGTAPE_INLINE void clear(Vec<T>* v, std::int64_t count) {
  __builtin_memset(v, 0, count * sizeof(Vec<T>));
}

template <class T>
SIGTAPE_INLINE void copy(Vec<T>* to, const Vec<T>* from, std::int64_t count) {
  __builtin_memcpy(to, from, count * sizeof(Vec<T>));
}

/// The paths of a group. Lanes that are not real hold a path that another lane
/// has, and count for nothing.
template <class T>
struct Paths {
  std::int64_t path[lanes<T>()];
  int replica[lanes<T>()];
  bool real[lanes<T>()];
  std::int64_t first, count;  ///< paths, each in every replica
};

template <class T>
SIGTAPE_INLINE Paths<T> paths_of_group(const Call<T>& call,
                                       std::int64_t group) {
  Paths<T> paths;
  paths.first = group * lanes<T>();
  const std::int64_t left = call.shape.batch - paths.first;
  paths.count = left < lanes<T>() ? left : lanes<T>();
  for (int lane = 0; lane < lanes<T>(); ++lane) {
    const std::int64_t replica = lane / paths.count;
    paths.real[lane] = replica < call.plan.replicas;
    paths.replica[lane] = static_cast<int>(paths.real[lane] ? replica : 0);
    paths.path[lane] = paths.first + lane % paths.count;
  }
  return paths;
}

/// Number of true increments of each lane's path.
template <class T>
SIGTAPE_INLINE Vec<T> true_steps(const Call<T>& call, const Paths<T>& paths) {
  Vec<T> count;
  for (int lane = 0; lane < lanes<T>(); ++lane) {
    const std::int64_t unused =
        call.inputs.lengths
            ? call.shape.length - call.inputs.lengths[paths.path[lane]]
            : 0;
    count[lane] = static_cast<T>(call.plan.steps - unused);
  }
  return count;
}

/// Zeroes rows [first, rows) of `width` vectors in lanes where the row's
/// number is not below the lane's count.
template <class T>
void clear_beyond(Vec<T>* v, std::int64_t rows, std::int64_t width,
                  Vec<T> count) {
  for (std::int64_t t = 0; t < rows; ++t) {
    const Mask<T> inside = broadcast(static_cast<T>(t)) < count;
    for (std::int64_t j = 0; j < width; ++j)
      v[t * width + j] = inside ? v[t * width + j] : Vec<T>{};
  }
}

/// Where a group's part of a shared array stands.
template <class T>
struct Places {
  const Call<T>& call;
  std::int64_t rows;    ///< vectors of a group's y
  std::int64_t points;  ///< vectors of a group's increments' gradients

  explicit Places(const Call<T>& call)
      : call(call),
        rows(call.plan.positions(call.shape) * call.shape.outputs),
        points((call.plan.padded_steps + 2) * call.shape.channels) {}

  Vec<T>* at(std::int64_t place) const {
    return reinterpret_cast<Vec<T>*>(call.workspace) + place;
  }
  Vec<T>* increments(std::int64_t group) const {
    return at(call.plan.increments_at +
              group * call.plan.padded_steps * call.shape.channels);
  }
  /// Position -(K - 1) of each of these; see `first_row`.
  Vec<T>* dy(std::int64_t group) const {
    return at(call.plan.dy_at + group * rows);
  }
  Vec<T>* dy_sums(std::int64_t group) const {
    return at(call.plan.dy_sums_at + group * rows);
  }
  Vec<T>* y(std::int64_t unit_range, std::int64_t group) const {
    return at(call.plan.y_at + (unit_range * call.plan.groups + group) * rows);
  }
  /// Vectors from position -(K - 1) to position 0.
  std::int64_t first_row() const {
    return (call.shape.kernel - 1) * call.shape.outputs;
  }
  /// A row of zeros, then the gradient of each increment, then zeros.
  Vec<T>* dincrements(std::int64_t unit_range, std::int64_t group) const {
    return at(call.plan.dincrements_at +
              (unit_range * call.plan.groups + group) * points);
  }
  T* lane_row(std::int64_t group, int lane) const {
    return reinterpret_cast<T*>(at(call.plan.lane_rows_at)) +
           (group * lanes<T>() + lane) * call.plan.lane_row_elements;
  }
  Vec<T>* slot(std::int64_t task) const {
    return at(call.plan.slots_at + task * call.plan.slot_vectors);
  }
};

template <class T>
void load_group(const Call<T>& call, std::int64_t group) {
  const std::int64_t d = call.shape.channels, steps = call.plan.steps;
  const Paths<T> paths = paths_of_group(call, group);
  Vec<T>* x = Places<T>(call).increments(group);
  const T* rows[lanes<T>()];
  const bool based = call.shape.basepoint != BasepointKind::none;
  for (int lane = 0; lane < lanes<T>(); ++lane)
    rows[lane] = call.inputs.path + paths.path[lane] * call.shape.length * d +
                 (based ? 0 : d);
  // The points after each increment, less the points before.
  to_lanes<T>(rows, steps * d, x);
  for (std::int64_t k = steps * d - 1; k >= d; --k) x[k] -= x[k - d];
  for (std::int64_t j = 0; j < d; ++j) {
    if (call.shape.basepoint == BasepointKind::zero) break;
    Vec<T> start = {};
    for (int lane = 0; lane < lanes<T>(); ++lane)
      start[lane] = based ? call.inputs.basepoint[j] : rows[lane][j - d];
    x[j] -= start;
  }
  clear<T>(x + steps * d, (call.plan.padded_steps - steps) * d);
  if (call.inputs.lengths)
    clear_beyond<T>(x, steps, d, true_steps(call, paths));
}

template <class T>
Vec<T> true_rows(const Call<T>& call, const Paths<T>& paths) {
  return true_steps(call, paths) -
         broadcast(static_cast<T>(call.shape.kernel - 1));
}

template <class T>
void load_cotangents(const Call<T>& call, std::int64_t group) {
  const std::int64_t outputs = call.shape.outputs, rows = call.shape.rows();
  const Places<T> places(call);
  const Paths<T> paths = paths_of_group(call, group);
  const T* from[lanes<T>()];
  Vec<T> count = true_rows(call, paths);
  for (int lane = 0; lane < lanes<T>(); ++lane) {
    from[lane] = call.dy + paths.path[lane] * rows * outputs;
    if (!paths.real[lane]) count[lane] = 0;
  }
  Vec<T>* dy = places.dy(group);
  Vec<T>* sums = places.dy_sums(group);
  const std::int64_t first = places.first_row();
  clear<T>(dy, first);
  to_lanes<T>(from, rows * outputs, dy + first);
  clear<T>(dy + first + rows * outputs, places.rows - first - rows * outputs);
  clear_beyond<T>(dy + first, rows, outputs, count);
  T* dbias = call.workspace + call.plan.dbias_parts_at + group * outputs;
  for (std::int64_t o = 0; o < outputs; ++o) {
    Vec<T> sum = {};
    for (std::int64_t k = places.rows - outputs + o; k >= 0; k -= outputs)
      sums[k] = sum += dy[k];
    dbias[o] = 0;
    for (std::int64_t lane = 0; lane < paths.count; ++lane)
      dbias[o] += sum[lane];
  }
}

template <class T>
void write_group(const Call<T>& call, std::int64_t group) {
  const std::int64_t outputs = call.shape.outputs, rows = call.shape.rows();
  const Places<T> places(call);
  const Paths<T> paths = paths_of_group(call, group);
  Vec<T>* y = places.y(0, group) + places.first_row();
  for (std::int64_t r = 1; r < call.plan.unit_ranges; ++r) {
    const Vec<T>* part = places.y(r, group) + places.first_row();
    for (std::int64_t k = 0; k < rows * outputs; ++k) y[k] += part[k];
  }
  if (call.inputs.lengths)
    clear_beyond<T>(y, rows, outputs, true_rows(call, paths));
  T* to[lanes<T>()];
  for (int lane = 0; lane < lanes<T>(); ++lane) {
    const bool own = paths.real[lane] && paths.replica[lane] == 0;
    to[lane] = own ? call.y + paths.path[lane] * rows * outputs
                   : places.lane_row(group, lane);
  }
  to_rows<T>(y, rows * outputs, to);
  for (int lane = static_cast<int>(paths.count); lane < lanes<T>(); ++lane) {
    if (!paths.real[lane]) continue;
    T* __restrict sum = to[lane % paths.count];
    const T* __restrict part = to[lane];
    for (std::int64_t k = 0; k < rows * outputs; ++k) sum[k] += part[k];
  }
}

template <class T>
void write_gradients(const Call<T>& call, std::int64_t group) {
  const std::int64_t d = call.shape.channels, steps = call.plan.steps;
  const Places<T> places(call);
  const Paths<T> paths = paths_of_group(call, group);
  Vec<T>* dx = places.dincrements(0, group);
  for (std::int64_t r = 1; r < call.plan.unit_ranges; ++r) {
    const Vec<T>* part = places.dincrements(r, group) + d;
    for (std::int64_t k = 0; k < steps * d; ++k) dx[d + k] += part[k];
  }
  if (call.inputs.lengths)
    clear_beyond<T>(dx + d, steps, d, true_steps(call, paths));
  clear<T>(dx + d + steps * d, d);
  const bool based = call.shape.basepoint != BasepointKind::none;
  const std::int64_t length = call.shape.length * d;
  // Point k stands between increments k - 1 and k, one later with a basepoint.
  for (std::int64_t k = 0; k < (steps + 1) * d; ++k) dx[k] -= dx[k + d];
  T* to[lanes<T>()];
  for (int lane = 0; lane < lanes<T>(); ++lane) {
    const bool own = paths.real[lane] && paths.replica[lane] == 0;
    to[lane] = own ? call.gradients.path + paths.path[lane] * length
                   : places.lane_row(group, lane);
  }
  to_rows<T>(dx + (based ? d : 0), length, to);
  for (int lane = static_cast<int>(paths.count); lane < lanes<T>(); ++lane) {
    if (!paths.real[lane]) continue;
    T* __restrict sum = to[lane % paths.count];
    const T* __restrict part = to[lane];
    for (std::int64_t k = 0; k < length; ++k) sum[k] += part[k];
  }
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
