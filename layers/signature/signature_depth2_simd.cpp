// Products of the differences of a path's neighbouring points with a matrix,
// see signature_depth2.h. Two or more points to a vector: it holds them as they
// stand in memory; turned by r channels within each point it multiplies the
// matrix's elements [j + r modulo d, j], whose diagonal r = 0 is zero. With
// fewer points lanes are the columns of the matrix.

#include <cstdint>
#include <utility>

#include "sigtape/framework/simd/vec.h"
#include "sigtape/layers/signature/signature_depth2_table.h"

namespace sigtape::SIGTAPE_ISA_NAME {

namespace {

SIGTAPE_INLINE std::int64_t lesser(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

// out[m] = path[m - d] - path[m + d], m = 0 .. count - 1.
template <class T>
SIGTAPE_INLINE void differences(const T* path, std::int64_t count,
                                std::int64_t d, T* out) {
  std::int64_t m = 0;
  for (; m + lanes<T>() <= count; m += lanes<T>())
    store<T>(out + m, load(path + m - d) - load(path + m + d));
  for (; m < count; ++m) out[m] = path[m - d] - path[m + d];
}

// One point on its own: what is put together of single elements would wait for
// them on its way into a vector.
template <class T, int D>
SIGTAPE_INLINE void interior_point(const T* path, const T* area, T* out) {
  for (int j = 0; j < D; ++j) {
    T sum = 0;
    for (int i = 0; i < D; ++i)
      sum += (path[i - D] - path[i + D]) * area[i * D + j];
    out[j] = sum;
  }
}

// Writes the first `count` lanes, all of them where there is room for more.
template <class T>
SIGTAPE_INLINE void store_part(T* to, Vec<T> v, std::int64_t count,
                               std::int64_t room) {
  if (room >= lanes<T>()) {
    store<T>(to, v);
  } else {
    __builtin_memcpy(to, &v, lesser(count, room) * sizeof(T));
  }
}

// Lane m of a vector turned by r channels within each of its points of D; what
// is left over of the vector stays.
template <class T, int D>
constexpr int turned(int m, int r) {
  return m < lanes<T>() / D * D ? m / D * D + (m + r) % D : m;
}

template <class T, int D>
SIGTAPE_INLINE Vec<T> turn(Vec<T> v, int r) {
  Mask<T> from;
  for (int m = 0; m < lanes<T>(); ++m) from[m] = turned<T, D>(m, r);
  return __builtin_shuffle(v, from);
}

// The kCount elements from `from` on, with those in front of them in the lanes
// that are left: nothing behind them is read.
template <class T, int kCount>
SIGTAPE_INLINE Vec<T> load_end(const T* from) {
  constexpr int kLeft = lanes<T>() - kCount;
  Mask<T> turned;
  for (int m = 0; m < lanes<T>(); ++m) turned[m] = (m + kLeft) % lanes<T>();
  return __builtin_shuffle(load(from - kLeft), turned);
}

// As many lanes of v as there are numbers in the sequence, from kFirst on.
template <class T, int kFirst, int... lane>
SIGTAPE_INLINE auto lanes_of(Vec<T> v, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(v, v, kFirst + lane...);
}

// Writes the first kCount lanes, at least half of them: two overlapping halves,
// which do not go through memory.
template <class T, int kCount>
SIGTAPE_INLINE void store_first(T* to, Vec<T> v) {
  constexpr int kHalf = lanes<T>() / 2;
  using Half = std::make_integer_sequence<int, kHalf>;
  const auto first = lanes_of<T, 0>(v, Half());
  const auto last = lanes_of<T, kCount - kHalf>(v, Half());
  __builtin_memcpy(to, &first, sizeof first);
  __builtin_memcpy(to + (kCount - kHalf), &last, sizeof last);
}

// area[j + r modulo D, j] in lane j of every point.
template <class T, int D>
SIGTAPE_INLINE Vec<T> factors(const T* area, int r) {
  if constexpr (D * D <= 2 * lanes<T>()) {
    Mask<T> from;
    for (int m = 0; m < lanes<T>(); ++m) from[m] = (m + r) % D * D + m % D;
    return __builtin_shuffle(load(area), load(area + lanes<T>()), from);
  } else {
    T row[lanes<T>()];
    for (int m = 0; m < lanes<T>(); ++m) row[m] = area[(m + r) % D * D + m % D];
    return load(row);
  }
}

template <class T, int D>
SIGTAPE_KERNEL void interior_in_rows(const T* path, std::int64_t points,
                                     const T* area, T* out) {
  constexpr int kWide = lanes<T>() / D * D;
  Vec<T> factor[D];
  SIGTAPE_UNROLL
  for (int r = 1; r < D; ++r) factor[r] = factors<T, D>(area, r);
  const auto product = [&](Vec<T> before, Vec<T> after)
      __attribute__((always_inline)) {
    const Vec<T> difference = before - after;
    Vec<T> sum{};
    SIGTAPE_UNROLL
    for (int r = 1; r < D; ++r) sum += factor[r] * turn<T, D>(difference, r);
    return sum;
  };
  const std::int64_t count = points * D;
  std::int64_t m = 0;
  for (; m + lanes<T>() <= count; m += kWide)
    store<T>(out + m, product(load(path + m - D), load(path + m + D)));
  if (m < count && count >= lanes<T>()) {
    const std::int64_t last = count - kWide;
    const auto points_at = [&](const T* from) __attribute__((always_inline)) {
      return load_end<T, kWide>(from + last);
    };
    store_first<T, kWide>(out + last,
                          product(points_at(path - D), points_at(path + D)));
    return;
  }
  for (; m < count; m += D) interior_point<T, D>(path + m, area, out + m);
}

// Rows of the products of four points, `wide` columns of vectors to a row.
template <class T>
SIGTAPE_INLINE void four_rows(const T* difference, std::int64_t d,
                              const Vec<T>* matrix, std::int64_t wide,
                              Vec<T>* rows) {
  for (std::int64_t c = 0; c < wide; ++c) {
    Vec<T> sums[4] = {};
    for (std::int64_t i = 0; i < d; ++i) {
      const Vec<T> row = in_register(matrix[i * wide + c]);
      SIGTAPE_UNROLL
      for (int p = 0; p < 4; ++p)
        sums[p] += broadcast(difference[p * d + i]) * row;
    }
    for (int p = 0; p < 4; ++p) rows[p * wide + c] = sums[p];
  }
}

template <class T>
SIGTAPE_KERNEL void interior_by_columns(const T* path, std::int64_t points,
                                        std::int64_t d, const T* area, T* out) {
  constexpr std::int64_t kMost = cpu::kDepth2Channels;
  constexpr std::int64_t kVectors = (kMost + lanes<T>() - 1) / lanes<T>();
  const std::int64_t wide = (d + lanes<T>() - 1) / lanes<T>();
  Vec<T> matrix[kMost * kVectors] = {}, rows[4 * kVectors];
  for (std::int64_t i = 0; i < d; ++i)
    __builtin_memcpy(&matrix[i * wide], area + i * d, d * sizeof(T));
  T difference[4 * kMost] = {};
  for (std::int64_t point = 0; point < points; point += 4) {
    const std::int64_t count = lesser(4, points - point);
    differences(path + point * d, count * d, d, difference);
    four_rows(difference, d, matrix, wide, rows);
    for (std::int64_t p = 0; p < count; ++p)
      for (std::int64_t c = 0; c < wide; ++c) {
        const std::int64_t at = (point + p) * d + c * lanes<T>();
        store_part(out + at, rows[p * wide + c], d - c * lanes<T>(),
                   points * d - at);
      }
  }
}

template <class T, int D>
SIGTAPE_INLINE bool try_rows(const T* path, std::int64_t points, std::int64_t d,
                             const T* area, T* out) {
  if constexpr (lanes<T>() / D >= 2) {
    if (d == D) {
      interior_in_rows<T, D>(path, points, area, out);
      return true;
    }
  }
  return false;
}

template <class T>
void interior(const T* path, std::int64_t points, std::int64_t d, const T* area,
              T* out) {
  if (try_rows<T, 2>(path, points, d, area, out) ||
      try_rows<T, 3>(path, points, d, area, out) ||
      try_rows<T, 4>(path, points, d, area, out) ||
      try_rows<T, 5>(path, points, d, area, out) ||
      try_rows<T, 6>(path, points, d, area, out) ||
      try_rows<T, 7>(path, points, d, area, out) ||
      try_rows<T, 8>(path, points, d, area, out))
    return;
  interior_by_columns(path, points, d, area, out);
}

}  // namespace

const cpu::Depth2Table<float> depth2_float32 = {interior<float>};
const cpu::Depth2Table<double> depth2_float64 = {interior<double>};

}  // namespace sigtape::SIGTAPE_ISA_NAME
