// Two register-tiled kernels, neither of which packs its operands.
//
// rows: a tile of C stays in registers while k runs; A is broadcast element by
//   element (so its strides do not matter), B is loaded in vectors along n.
//   Where n is no multiple of the vector, the last vector overlaps the one
//   before and only its new lanes are written; n below a vector takes
//   narrower ones.
// dots: both operands are loaded in vectors along k; every element of C is a
//   vector of partial sums until the end. The full width whatever n is.
#include "sigtape/framework/ops/gemm_simd.h"

#include "sigtape/framework/simd/indices_simd.h"
#include "sigtape/framework/simd/vec.h"

namespace sigtape::SIGTAPE_ISA_NAME {

namespace {

#define SIGTAPE_ALWAYS __attribute__((always_inline))

template <class T, int Bytes>
struct Vector {
  typedef T type __attribute__((vector_size(Bytes)));
  static constexpr int lanes = Bytes / static_cast<int>(sizeof(T));
};

// A tile of Rows x Vectors at (a, b, c); the first `skip` columns are computed
// but not written.
template <class T, int Bytes, int Rows, int Vectors>
void row_tile(const Gemm<T>& g, const T* a, const T* b, T* c,
              std::int64_t skip) {
  using V = typename Vector<T, Bytes>::type;
  constexpr int lanes = Vector<T, Bytes>::lanes;
  const std::int64_t a_row = g.a_row, a_col = g.a_col, b_row = g.b_row;
  V sums[Rows][Vectors] = {};
  for (std::int64_t l = 0; l < g.k; ++l) {
    V rhs[Vectors];
#pragma GCC unroll 16
    for (int j = 0; j < Vectors; ++j) {
      __builtin_memcpy(&rhs[j], b + j * lanes, Bytes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const V lhs = a[i * a_row] - V{};
#pragma GCC unroll 16
      for (int j = 0; j < Vectors; ++j) sums[i][j] += lhs * rhs[j];
    }
    a += a_col;
    b += b_row;
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    T* row = c + i * g.c_row;
#pragma GCC unroll 16
    for (int j = 0; j < Vectors; ++j) {
      V old = {};
      if (g.accumulate) __builtin_memcpy(&old, row + j * lanes, Bytes);
      old += sums[i][j];
      if (skip == 0) {
        __builtin_memcpy(row + j * lanes, &old, Bytes);
      } else {
        for (int e = skip; e < lanes; ++e) row[e] = old[e];
      }
    }
  }
}

// All rows of a panel of Vectors vectors of columns from `j` on.
template <class T, int Bytes, int Rows, int Vectors>
void row_panel(const Gemm<T>& g, std::int64_t j, std::int64_t skip) {
  const T* b = g.b + j;
  std::int64_t i = 0;
  const auto tile = [&](auto run, int rows) {
    for (; i + rows <= g.m; i += rows) {
      run(g, g.a + i * g.a_row, b, g.c + i * g.c_row + j, skip);
    }
  };
  tile(row_tile<T, Bytes, Rows, Vectors>, Rows);
  if constexpr (Rows > 4) tile(row_tile<T, Bytes, 4, Vectors>, 4);
  if constexpr (Rows > 2) tile(row_tile<T, Bytes, 2, Vectors>, 2);
  tile(row_tile<T, Bytes, 1, Vectors>, 1);
}

// Columns one at a time: n below the narrowest vector.
template <class T>
void row_columns(const Gemm<T>& g) {
  for (std::int64_t i = 0; i < g.m; ++i) {
    for (std::int64_t j = 0; j < g.n; ++j) {
      T sum = g.accumulate ? g.c[i * g.c_row + j] : T{0};
      const T *a = g.a + i * g.a_row, *b = g.b + j;
      for (std::int64_t l = 0; l < g.k; ++l) {
        sum += a[l * g.a_col] * b[l * g.b_row];
      }
      g.c[i * g.c_row + j] = sum;
    }
  }
}

// Vectors of a tile: as many as leave room for a row of B and of A. 32
// registers hold 8 x 3 sums, 16 hold 4 x 3, or 4 x 2 where a product needs a
// register of its own.
#if SIGTAPE_VECTOR_BYTES == 64
constexpr int kRows = 8, kVectors = 3, kDotRows = 3, kDotColumns = 8;
#elif SIGTAPE_VECTOR_BYTES == 32
constexpr int kRows = 4, kVectors = 3, kDotRows = 3, kDotColumns = 4;
#else
constexpr int kRows = 4, kVectors = 2, kDotRows = 2, kDotColumns = 4;
#endif

template <class T, int Bytes = SIGTAPE_VECTOR_BYTES>
void rows(const Gemm<T>& g) {
  constexpr int lanes = Vector<T, Bytes>::lanes;
  if (g.n < lanes) {
    if constexpr (Bytes > 16) {
      rows<T, Bytes / 2>(g);
    } else {
      row_columns(g);
    }
    return;
  }
  std::int64_t j = 0;
  for (; j + kVectors * lanes <= g.n; j += kVectors * lanes) {
    row_panel<T, Bytes, kRows, kVectors>(g, j, 0);
  }
  for (; j + lanes <= g.n; j += lanes) row_panel<T, Bytes, 8, 1>(g, j, 0);
  if (j < g.n) row_panel<T, Bytes, 8, 1>(g, g.n - lanes, lanes - (g.n - j));
}

// With a and b made of segments of `Length` lanes: every segment folded to
// half its length, those of a first.
template <class T, int Length, int... I>
SIGTAPE_INLINE Vec<T> fold(Vec<T> a, Vec<T> b, Indices<I...>) {
  constexpr int half = Length / 2;
  return __builtin_shufflevector(a, b, (I / half * Length + I % half)...) +
         __builtin_shufflevector(a, b,
                                 (I / half * Length + I % half + half)...);
}

// The sums over the lanes of each of Count vectors, a power of 2: a tree that
// folds two vectors into one at each step.
template <class T, int Count, int Length = lanes<T>()>
SIGTAPE_INLINE void lane_sums(const Vec<T>* v, T* sums) {
  constexpr typename Counted<lanes<T>()>::type indices;
  if constexpr (Length == 1) {
    for (int i = 0; i < Count; ++i) store<T>(sums + i * lanes<T>(), v[i]);
  } else {
    Vec<T> folded[(Count + 1) / 2];
#pragma GCC unroll 16
    for (int i = 0; i < (Count + 1) / 2; ++i) {
      folded[i] =
          fold<T, Length>(v[2 * i], v[Count > 1 ? 2 * i + 1 : 0], indices);
    }
    lane_sums<T, (Count + 1) / 2, Length / 2>(folded, sums);
  }
}
// The last `count` lanes of v, and zeros.
template <class T>
SIGTAPE_INLINE Vec<T> last_lanes(Vec<T> v, std::int64_t count) {
  Vec<T> position;
  for (int e = 0; e < lanes<T>(); ++e) position[e] = static_cast<T>(e);
  const auto kept = position >= broadcast(static_cast<T>(lanes<T>() - count));
  using Bits = decltype(position >= position);
  return (Vec<T>)((Bits)v & kept);
}

// Rows x Columns of C at (i0, j0), for k of at least a vector. A rest of k is
// read as the last whole vector, without the lanes that are in the sums.
template <class T, int Rows, int Columns>
void dot_tile(const Gemm<T>& g, std::int64_t i0, std::int64_t j0) {
  const std::int64_t a_row = g.a_row, b_col = g.b_col, k = g.k;
  const T *a = g.a + i0 * a_row, *b = g.b + j0 * b_col;
  Vec<T> sums[Rows][Columns] = {};
  const auto step = [&](std::int64_t l, auto kept) SIGTAPE_ALWAYS {
    Vec<T> lhs[Rows];
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) lhs[i] = kept(load(a + i * a_row + l));
#pragma GCC unroll 16
    for (int j = 0; j < Columns; ++j) {
      const Vec<T> rhs = kept(load(b + j * b_col + l));
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) sums[i][j] += lhs[i] * rhs;
    }
  };
  std::int64_t l = 0;
  for (; l + lanes<T>() <= k; l += lanes<T>()) {
    step(l, [](Vec<T> v) SIGTAPE_ALWAYS { return v; });
  }
  if (l < k) {
    step(k - lanes<T>(), [rest = k - l](Vec<T> v)
                             SIGTAPE_ALWAYS { return last_lanes<T>(v, rest); });
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    T totals[Columns > lanes<T>() ? Columns : lanes<T>()];
    lane_sums<T, Columns>(sums[i], totals);
    T* c = g.c + (i0 + i) * g.c_row + j0;
    for (int j = 0; j < Columns; ++j) {
      c[j] = g.accumulate ? c[j] + totals[j] : totals[j];
    }
  }
}

template <class T, int Columns>
void dot_panel(const Gemm<T>& g, std::int64_t j) {
  std::int64_t i = 0;
  for (; i + kDotRows <= g.m; i += kDotRows) {
    dot_tile<T, kDotRows, Columns>(g, i, j);
  }
  for (; i < g.m; ++i) dot_tile<T, 1, Columns>(g, i, j);
}

// k below a vector.
template <class T>
void dot_elements(const Gemm<T>& g) {
  for (std::int64_t i = 0; i < g.m; ++i) {
    for (std::int64_t j = 0; j < g.n; ++j) {
      const T *a = g.a + i * g.a_row, *b = g.b + j * g.b_col;
      T sum = 0;
      for (std::int64_t l = 0; l < g.k; ++l) sum += a[l] * b[l];
      T& c = g.c[i * g.c_row + j];
      c = g.accumulate ? c + sum : sum;
    }
  }
}

template <class T>
void dots(const Gemm<T>& g) {
  if (g.k < lanes<T>()) return dot_elements(g);
  std::int64_t j = 0;
  for (; j + kDotColumns <= g.n; j += kDotColumns) {
    dot_panel<T, kDotColumns>(g, j);
  }
  for (; j + 4 <= g.n; j += 4) dot_panel<T, 4>(g, j);
  for (; j + 2 <= g.n; j += 2) dot_panel<T, 2>(g, j);
  for (; j < g.n; ++j) dot_panel<T, 1>(g, j);
}

}  // namespace

const GemmKernels<float> gemm_float32 = {rows<float>, dots<float>};
const GemmKernels<double> gemm_float64 = {rows<double>, dots<double>};

}  // namespace sigtape::SIGTAPE_ISA_NAME
