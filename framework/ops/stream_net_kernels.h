#pragma once

#include <array>
#include <cstdint>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops/row_runs.h"

namespace sigtape {

/// A small network on every window of `kernel` neighbouring points of a
/// stream, and what its output stands beside: point t of the output is
/// (original x[t + kernel - 1], time, network), each where it is wanted. All
/// arrays are contiguous: dx [batch, length, in]; y, dy [batch, points(),
/// channels()]; weight i [sizes[i], inputs, kernel for i = 0, else 1]; bias i
/// [sizes[i]].
struct StreamNetShape {
  static constexpr int max_layers = 8;
  std::int64_t batch = 0, length = 0, in = 0, kernel = 1;
  int layers = 0;
  std::array<std::int64_t, max_layers> sizes{};
  bool relu = false;        // between the layers; else nothing
  bool relu_first = false;  // of x, too: kernel 1, no original
  bool original = false, time = false;

  std::int64_t points() const { return length - kernel + 1; }
  std::int64_t out() const { return layers ? sizes[layers - 1] : 0; }
  std::int64_t channels() const {
    return (original ? in : 0) + (time ? 1 : 0) + out();
  }
  /// Channels that a layer reads, and those times the points.
  std::int64_t inputs(int i) const { return i == 0 ? in : sizes[i - 1]; }
  std::int64_t rows(int i) const { return i == 0 ? in * kernel : sizes[i - 1]; }
  /// Multiply-adds of one point.
  std::int64_t work() const {
    std::int64_t sum = 1;
    for (int i = 0; i < layers; ++i) sum += rows(i) * sizes[i];
    return sum;
  }
};

template <class T>
struct StreamNetWeights {
  std::array<const T*, StreamNetShape::max_layers> weight{};
  std::array<const T*, StreamNetShape::max_layers> bias{};  // may be null
};

template <class T>
struct StreamNetGradients {
  T* dx = nullptr;  // overwritten, each where it is not null
  std::array<T*, StreamNetShape::max_layers> weight{};
  std::array<T*, StreamNetShape::max_layers> bias{};
};

/// Whether the planes of a tile fit the nearest cache, so that this is faster
/// than matrix products.
bool stream_net_fits(Cpu, const StreamNetShape& s);

/// Numbers of the hidden layers, as forward can keep them for backward; 0 where
/// there are so many that computing them again is as fast as reading them.
template <class T>
std::int64_t stream_net_kept(Cpu, const StreamNetShape& s);

/// y, overwritten. The runs of x are the streams. points [batch], the output's
/// points of each stream, or null where all have points(): time is linspace(0,
/// 1, points[b]), its last value beyond. kept [stream_net_kept(s)], or null,
/// gets the hidden layers.
template <class T>
void stream_net_forward(Cpu, const StreamNetShape& s,
                        const StreamNetWeights<T>& weights, const RowRuns<T>& x,
                        const std::int64_t* points, T* y, T* kept);

/// The hidden layers are what forward has kept under the same instruction set,
/// or, where that is null, are computed again, with the same result. Sums
/// follow from the shape alone.
template <class T>
void stream_net_backward(Cpu, const StreamNetShape& s,
                         const StreamNetWeights<T>& weights,
                         const RowRuns<T>& x, const T* dy, const T* kept,
                         const StreamNetGradients<T>& gradients);

/// The same on a GPU, of x [batch, length, in].
template <class T>
void stream_net_forward(Cuda, const StreamNetShape& s,
                        const StreamNetWeights<T>& weights, const T* x,
                        const std::int64_t* points, T* y);
template <class T>
void stream_net_backward(Cuda, const StreamNetShape& s,
                         const StreamNetWeights<T>& weights, const T* x,
                         const T* dy, const StreamNetGradients<T>& gradients);

}  // namespace sigtape
