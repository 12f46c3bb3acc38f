#include <algorithm>

#include "sigtape/framework/parallel.h"
#include "sigtape/layers/running_sum_kernels.h"

namespace sigtape {

template <class T>
void running_sum(Cpu, std::int64_t batch, std::int64_t length,
                 std::int64_t channels, bool reverse, const T* x, T* out) {
  const std::int64_t size = length * channels;
  const std::int64_t step = reverse ? -channels : channels;
  parallel_ranges(batch, std::max<std::int64_t>(1, 65536 / size),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t b = begin; b < end; ++b) {
                      std::int64_t at =
                          b * size + (reverse ? size - channels : 0);
                      std::copy_n(x + at, channels, out + at);
                      for (std::int64_t t = 1; t < length; ++t) {
                        at += step;
                        for (std::int64_t c = 0; c < channels; ++c)
                          out[at + c] = out[at + c - step] + x[at + c];
                      }
                    }
                  });
}

template void running_sum(Cpu, std::int64_t, std::int64_t, std::int64_t, bool,
                          const float*, float*);
template void running_sum(Cpu, std::int64_t, std::int64_t, std::int64_t, bool,
                          const double*, double*);

}  // namespace sigtape
