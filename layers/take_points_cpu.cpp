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
          for (std::int64_t p = 0; p < s.points; ++p, to += s.channels)
            std::copy_n(stream + from[p] * s.channels, s.channels, to);
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
          for (std::int64_t p = 0; p < s.points; ++p, from += s.channels) {
            T* to = stream + at[p] * s.channels;
            for (std::int64_t c = 0; c < s.channels; ++c) to[c] += from[c];
          }
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
