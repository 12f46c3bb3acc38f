#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/training/trainer/batch_kernels.h"

namespace sigtape {

namespace {

template <class T>
struct Streams {
  BatchSizes s;
  const std::int64_t* table;
  const T* points;
  T* out;
  __device__ void operator()(std::int64_t at) const {
    const std::int64_t c = at % s.channels, row = at / s.channels;
    const std::int64_t b = row / s.length, t = row % s.length;
    const std::int64_t last = table[2 * s.batch + b] - 1;
    const std::int64_t point = table[s.batch + b] + (t < last ? t : last);
    out[at] = points[point * s.channels + c];
  }
};

template <class T>
struct Rows {
  std::int64_t width;
  const std::int64_t* table;
  const T* source;
  T* out;
  __device__ void operator()(std::int64_t at) const {
    out[at] = source[table[at / width] * width + at % width];
  }
};

}  // namespace

template <class T>
void gather_streams(Cuda device, const BatchSizes& s, const std::int64_t* table,
                    const T* points, T* out) {
  cuda::for_each(device, s.batch * s.length * s.channels,
                 Streams<T>{s, table, points, out});
}

template <class T>
void gather_rows(Cuda device, std::int64_t count, std::int64_t width,
                 const std::int64_t* table, const T* source, T* out) {
  cuda::for_each(device, count * width, Rows<T>{width, table, source, out});
}

#define INSTANTIATE(T)                                        \
  template void gather_rows(Cuda, std::int64_t, std::int64_t, \
                            const std::int64_t*, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(std::int64_t)
#undef INSTANTIATE
template void gather_streams(Cuda, const BatchSizes&, const std::int64_t*,
                             const float*, float*);
template void gather_streams(Cuda, const BatchSizes&, const std::int64_t*,
                             const double*, double*);

}  // namespace sigtape
