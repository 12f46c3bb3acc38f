#include "sigtape/framework/cuda/walk_cuda.h"
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

// A channel of a stream for each thread: what is added at one point is added
// in order.
template <class T>
struct PutPoints {
  PointsShape s;
  const T* a;
  const std::int64_t* index;
  T* out;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t c = item % s.channels, b = item / s.channels;
    T* to = out + b * s.length * s.channels + c;
    const T* from = a + b * s.points * s.channels + c;
    const std::int64_t* at = index + (s.shared ? 0 : b * s.points);
    for (std::int64_t t = 0; t < s.length; ++t) to[t * s.channels] = 0;
    for (std::int64_t p = 0; p < s.points; ++p)
      to[at[p] * s.channels] += from[p * s.channels];
  }
};

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
  cuda::for_each(device, shape.batch * shape.channels,
                 PutPoints<T>{shape, a, index, out});
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
