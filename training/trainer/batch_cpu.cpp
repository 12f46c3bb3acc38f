#include <algorithm>

#include "sigtape/training/trainer/batch_kernels.h"

namespace sigtape {

template <class T>
void gather_streams(Cpu, const BatchSizes& s, const std::int64_t* table,
                    const T* points, T* out) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    const std::int64_t length = table[2 * s.batch + b];
    const T* first = points + table[s.batch + b] * s.channels;
    out = std::copy_n(first, length * s.channels, out);
    const T* last = first + (length - 1) * s.channels;
    for (std::int64_t t = length; t < s.length; ++t) {
      out = std::copy_n(last, s.channels, out);
    }
  }
}

template <class T>
void gather_rows(Cpu, std::int64_t count, std::int64_t width,
                 const std::int64_t* table, const T* source, T* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    out = std::copy_n(source + table[i] * width, width, out);
  }
}

#define INSTANTIATE(T)                                       \
  template void gather_rows(Cpu, std::int64_t, std::int64_t, \
                            const std::int64_t*, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(std::int64_t)
#undef INSTANTIATE
template void gather_streams(Cpu, const BatchSizes&, const std::int64_t*,
                             const float*, float*);
template void gather_streams(Cpu, const BatchSizes&, const std::int64_t*,
                             const double*, double*);

}  // namespace sigtape
