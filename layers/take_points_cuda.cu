#include <algorithm>

#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/divide_up.h"
#include "sigtape/layers/take_points_kernels.h"

namespace sigtape {

namespace {

template <class T>
struct TakePoint {
  PointsShape s;
  const T* x;
  const std::int64_t* index;
  T* out;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t c = item % s.channels, row = item / s.channels;
    const std::int64_t b = row / s.points, p = row % s.points;
    const std::int64_t from = index[(s.shared ? 0 : b * s.points) + p];
    out[item] = x[(b * s.length + from) * s.channels + c];
  }
};

// A channel of a stretch of a stream for each thread, which looks through all
// of the stream's indices: what is added at one point is added in their order.
template <class T>
struct PutPoints {
  PointsShape s;
  std::int64_t stretches, stretch;  // of a stream, and points of each
  const T* a;
  const std::int64_t* index;
  T* out;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t c = item % s.channels, row = item / s.channels;
    const std::int64_t b = row / stretches, begin = row % stretches * stretch;
    const std::int64_t end =
        begin + stretch < s.length ? begin + stretch : s.length;
    T* to = out + b * s.length * s.channels + c;
    const T* from = a + b * s.points * s.channels + c;
    const std::int64_t* at = index + (s.shared ? 0 : b * s.points);
    for (std::int64_t t = begin; t < end; ++t) to[t * s.channels] = 0;
    for (std::int64_t p = 0; p < s.points; ++p) {
      const std::int64_t t = at[p];
      if (t >= begin && t < end) to[t * s.channels] += from[p * s.channels];
    }
  }
};

// Points of a stretch: few enough for a GPU to have enough threads, with at
// most 64 stretches, so that the work does not grow with the length's square.
std::int64_t stretch_of(const PointsShape& s) {
  constexpr std::int64_t threads = 132 * 2048, most = 64, least = 4;
  const std::int64_t by_threads = threads / (s.batch * s.channels);
  const std::int64_t wanted = std::clamp<std::int64_t>(by_threads, 1, most);
  return std::max(least, divide_up(s.length, wanted));
}

}  // namespace

template <class T>
void take_points(Cuda device, const PointsShape& shape, const T* x,
                 const std::int64_t* index, T* out) {
  cuda::for_each(device, shape.batch * shape.points * shape.channels,
                 TakePoint<T>{shape, x, index, out});
}

template <class T>
void put_points(Cuda device, const PointsShape& shape, const T* a,
                const std::int64_t* index, T* out) {
  if (shape.batch * shape.length * shape.channels == 0) return;
  const std::int64_t stretch = stretch_of(shape);
  const std::int64_t stretches = divide_up(shape.length, stretch);
  cuda::for_each(device, shape.batch * stretches * shape.channels,
                 PutPoints<T>{shape, stretches, stretch, a, index, out});
}

#define INSTANTIATE(T)                                          \
  template void take_points(Cuda, const PointsShape&, const T*, \
                            const std::int64_t*, T*);           \
  template void put_points(Cuda, const PointsShape&, const T*,  \
                           const std::int64_t*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
