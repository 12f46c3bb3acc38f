#include <algorithm>
#include <cmath>

#include "sigtape/framework/ops/softmax_kernels.h"
#include "sigtape/framework/parallel.h"

namespace sigtape {

namespace {

// One line of `size` elements, `step` apart. The largest is subtracted before
// exp, so that nothing overflows and the sum is at least 1.
template <class T>
void softmax_line(bool logarithm, std::int64_t size, std::int64_t step,
                  const T* a, T* out) {
  T largest = a[0], sum = 0;
  for (std::int64_t i = 1; i < size; ++i) {
    largest = std::max(largest, a[i * step]);
  }
  for (std::int64_t i = 0; i < size; ++i) {
    const T e = std::exp(a[i * step] - largest);
    out[i * step] = e;
    sum += e;
  }
  const T log_sum = std::log(sum);
  for (std::int64_t i = 0; i < size; ++i) {
    out[i * step] =
        logarithm ? (a[i * step] - largest) - log_sum : out[i * step] / sum;
  }
}

}  // namespace

template <class T>
void softmax_forward(Cpu, bool logarithm, std::int64_t outer, std::int64_t size,
                     std::int64_t inner, const T* a, T* out) {
  if (size == 0) return;
  const std::int64_t grain = (1 << 12) / size + 1;
  parallel_ranges(
      outer * inner, grain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t line = begin; line < end; ++line) {
          const std::int64_t at = line / inner * size * inner + line % inner;
          softmax_line(logarithm, size, inner, a + at, out + at);
        }
      });
}

template void softmax_forward(Cpu, bool, std::int64_t, std::int64_t,
                              std::int64_t, const float*, float*);
template void softmax_forward(Cpu, bool, std::int64_t, std::int64_t,
                              std::int64_t, const double*, double*);

}  // namespace sigtape
