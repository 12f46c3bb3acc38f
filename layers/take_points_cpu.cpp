#include <algorithm>

#include "sigtape/framework/parallel.h"
#include "sigtape/layers/take_points_kernels.h"

namespace sigtape {

namespace {

// Streams that are worth a thread of their own.
std::int64_t stream_grain(const PointsShape& s) {
  return std::max<std::int64_t>(
      1, 65536 / std::max<std::int64_t>(1, s.points * s.channels));
}

// Calls body(first, index of it, how many) for points that follow one another
// in the stream too: windows of a path are long runs.
template <class Body>
void for_runs(const std::int64_t* index, std::int64_t points,
              const Body& body) {
  for (std::int64_t p = 0; p < points;) {
    std::int64_t end = p + 1;
    while (end < points && index[end] == index[end - 1] + 1) ++end;
    body(p, index[p], end - p);
    p = end;
  }
}

}  // namespace

template <class T>
void take_points(Cpu, const PointsShape& s, const T* x,
                 const std::int64_t* index, T* out) {
  parallel_ranges(
      s.batch, stream_grain(s), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
          const std::int64_t* from = index + s.index_begin(b);
          const T* stream = x + b * s.length * s.channels;
          T* to = out + b * s.points * s.channels;
          for_runs(from, s.points,
                   [&](std::int64_t p, std::int64_t i, std::int64_t count) {
                     std::copy_n(stream + i * s.channels, count * s.channels,
                                 to + p * s.channels);
                   });
        }
      });
}

template <class T>
void put_points(Cpu, const PointsShape& s, const T* a,
                const std::int64_t* index, T* out) {
  parallel_ranges(
      s.batch, stream_grain(s), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t b = begin; b < end; ++b) {
          const std::int64_t* at = index + s.index_begin(b);
          const T* from = a + b * s.points * s.channels;
          T* stream = out + b * s.length * s.channels;
          std::fill_n(stream, s.length * s.channels, T(0));
          for_runs(at, s.points,
                   [&](std::int64_t p, std::int64_t i, std::int64_t count) {
                     const T* run = from + p * s.channels;
                     T* to = stream + i * s.channels;
                     for (std::int64_t k = 0; k < count * s.channels; ++k)
                       to[k] += run[k];
                   });
        }
      });
}

#define INSTANTIATE(T)                                         \
  template void take_points(Cpu, const PointsShape&, const T*, \
                            const std::int64_t*, T*);          \
  template void put_points(Cpu, const PointsShape&, const T*,  \
                           const std::int64_t*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
