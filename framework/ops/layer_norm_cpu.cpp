#include <algorithm>
#include <cmath>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/node.h"
#include "sigtape/framework/ops/layer_norm_kernels.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/shapes_only.h"

namespace sigtape {

namespace {

// Rows of a tile: enough work for a thread, and at most 64 tiles, each of
// which has partial sums of dweight and dbias. Follows from sizes alone.
std::int64_t rows_per_tile(std::int64_t rows, std::int64_t size) {
  return std::max((1 << 13) / (size + 1) + 1, (rows + 63) / 64);
}

template <class T>
void input_gradient(const LayerNormInputs<T>& in, const T* a, const T* dy,
                    T mean, T rstd, T* da) {
  T sum = 0, product = 0;
  const auto h = [&](std::int64_t j) {
    return in.weight ? dy[j] * in.weight[j] : dy[j];
  };
  for (std::int64_t j = 0; j < in.size; ++j) {
    sum += h(j);
    product += h(j) * (a[j] - mean) * rstd;
  }
  sum /= static_cast<T>(in.size);
  product /= static_cast<T>(in.size);
  for (std::int64_t j = 0; j < in.size; ++j) {
    da[j] = rstd * (h(j) - sum - (a[j] - mean) * rstd * product);
  }
}

// sums += the partial sums of every tile, one after another.
template <class T>
void add_tiles(std::int64_t tiles, std::int64_t size, const T* parts, T* sums) {
  if (!sums) return;
  std::fill(sums, sums + size, T{0});
  for (std::int64_t t = 0; t < tiles; ++t) {
    for (std::int64_t j = 0; j < size; ++j) sums[j] += parts[2 * t * size + j];
  }
}

}  // namespace

template <class T>
void layer_norm_forward(Cpu, const LayerNormInputs<T>& in, double eps, T* y,
                        T* mean, T* rstd) {
  const std::int64_t n = in.size;
  const auto row = [&](std::int64_t r) {
    const T* a = in.a + r * n;
    T sum = 0, squares = 0;
    for (std::int64_t j = 0; j < n; ++j) sum += a[j];
    const T m = sum / static_cast<T>(n);
    for (std::int64_t j = 0; j < n; ++j) squares += (a[j] - m) * (a[j] - m);
    const T s =
        1 / std::sqrt(squares / static_cast<T>(n) + static_cast<T>(eps));
    for (std::int64_t j = 0; j < n; ++j) {
      y[r * n + j] = (a[j] - m) * s * (in.weight ? in.weight[j] : T{1}) +
                     (in.bias ? in.bias[j] : T{0});
    }
    mean[r] = m;
    rstd[r] = s;
  };
  parallel_ranges(in.rows, rows_per_tile(in.rows, n),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t r = begin; r < end; ++r) row(r);
                  });
}

template <class T>
void layer_norm_backward(Cpu, const LayerNormInputs<T>& in, const T* dy,
                         const T* mean, const T* rstd, T* da, T* dweight,
                         T* dbias) {
  const std::int64_t n = in.size, grain = rows_per_tile(in.rows, n);
  const std::int64_t tiles = divide_up(in.rows, grain);
  const bool sums = dweight || dbias;
  CacheVector<T> parts(sums ? tiles * 2 * n : 0);
  if (shapes_only()) return;
  parallel_ranges(in.rows, grain, [&](std::int64_t begin, std::int64_t end) {
    T* part = parts.data() + begin / grain * 2 * n;
    for (std::int64_t r = begin; r < end; ++r) {
      const T *a = in.a + r * n, *g = dy + r * n;
      if (da) input_gradient(in, a, g, mean[r], rstd[r], da + r * n);
      for (std::int64_t j = 0; sums && j < n; ++j) {
        part[j] += g[j] * (a[j] - mean[r]) * rstd[r];
        part[n + j] += g[j];
      }
    }
  });
  add_tiles(tiles, n, parts.data(), dweight);
  add_tiles(tiles, n, parts.data() + (sums ? n : 0), dbias);
}

#define INSTANTIATE(T)                                                         \
  template void layer_norm_forward(Cpu, const LayerNormInputs<T>&, double, T*, \
                                   T*, T*);                                    \
  template void layer_norm_backward(Cpu, const LayerNormInputs<T>&, const T*,  \
                                    const T*, const T*, T*, T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
