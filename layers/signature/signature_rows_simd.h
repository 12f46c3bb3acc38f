#pragma once

// Between rows in memory, one for each lane, and vectors of one word each:
// vectors[k][lane] = rows[lane][k]. Blocks of as many columns as fit 16 bytes:
// the 16-byte pieces of all rows are gathered into whole vectors, and a
// transpose inside each 16-byte lane does the rest, so that no shuffle crosses
// 16-byte lanes.

#include "sigtape/framework/simd/pieces_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

template <class T>
SIGTAPE_INLINE Piece<T> load_piece(const T* from, int columns) {
  Piece<T> piece = {};
  if (columns >= kPiece<T>) {
    __builtin_memcpy(&piece, from, 16);
  } else {
    SIGTAPE_UNROLL for (int k = 0; k < kPiece<T> - 1; ++k) if (k < columns)
        piece[k] = from[k];
  }
  return piece;
}

template <class T>
SIGTAPE_INLINE void store_piece(T* to, Piece<T> piece, int columns) {
  if (columns >= kPiece<T>) {
    __builtin_memcpy(to, &piece, 16);
  } else {
    SIGTAPE_UNROLL for (int k = 0; k < kPiece<T> - 1; ++k) if (k < columns)
        to[k] = piece[k];
  }
}

// Pieces as one vector, and back. The insertions are spelt out because they
// can take their operand from memory, where a general shuffle cannot.
template <class T>
SIGTAPE_INLINE Vec<T> join(const Piece<T>* pieces) {
#if SIGTAPE_VECTOR_BYTES == 64
  __m512 v = _mm512_castps128_ps512(reinterpret_cast<__m128>(pieces[0]));
  v = _mm512_insertf32x4(v, reinterpret_cast<__m128>(pieces[1]), 1);
  v = _mm512_insertf32x4(v, reinterpret_cast<__m128>(pieces[2]), 2);
  v = _mm512_insertf32x4(v, reinterpret_cast<__m128>(pieces[3]), 3);
  return reinterpret_cast<Vec<T>>(v);
#elif SIGTAPE_VECTOR_BYTES == 32
  const __m256 v = _mm256_castps128_ps256(reinterpret_cast<__m128>(pieces[0]));
  return reinterpret_cast<Vec<T>>(
      _mm256_insertf128_ps(v, reinterpret_cast<__m128>(pieces[1]), 1));
#else
  return pieces[0];
#endif
}

template <class T, int K>
SIGTAPE_INLINE Piece<T> piece_of(Vec<T> v) {
  if constexpr (sizeof(T) == 4) {
    return __builtin_shufflevector(v, v, 4 * K, 4 * K + 1, 4 * K + 2,
                                   4 * K + 3);
  } else {
    return __builtin_shufflevector(v, v, 2 * K, 2 * K + 1);
  }
}

// Blocks of columns from `at` on. A single block may have fewer `columns`.
template <class T, int Blocks>
SIGTAPE_INLINE void blocks_to_lanes(const T* const* rows, std::int64_t at,
                                    int columns, Vec<T>* out) {
  constexpr int kColumns = kPiece<T>;
  Vec<T> block[Blocks][kColumns];
  SIGTAPE_UNROLL for (int row = 0; row < kColumns; ++row) {
    Piece<T> pieces[Blocks][kPieces<T>];
    SIGTAPE_UNROLL for (int k = 0; k < kPieces<T>; ++k) {
      const T* from = rows[k * kColumns + row] + at;
      SIGTAPE_UNROLL for (int b = 0; b < Blocks; ++b) pieces[b][k] =
          load_piece(from + b * kColumns, columns);
    }
    SIGTAPE_UNROLL for (int b = 0; b < Blocks; ++b) block[b][row] =
        join<T>(pieces[b]);
  }
  SIGTAPE_UNROLL for (int b = 0; b < Blocks; ++b) {
    transpose<T>(block[b]);
    SIGTAPE_UNROLL for (int k = 0; k < kColumns; ++k) if (k < columns)
        out[b * kColumns + k] = block[b][k];
  }
}

template <class T, int Piece, int Blocks>
SIGTAPE_INLINE void store_row(Vec<T> (*block)[kPiece<T>], int row, T* to,
                              int columns) {
  SIGTAPE_UNROLL for (int b = 0; b < Blocks; ++b) store_piece(
      to + b * kPiece<T>, piece_of<T, Piece>(block[b][row]), columns);
}

template <class T, bool Differences>
SIGTAPE_INLINE Vec<T> column_of(const Vec<T>* in, std::int64_t distance) {
  if constexpr (Differences) return in[0] - in[distance];
  return in[0];
}

template <class T, int Blocks, bool Differences>
SIGTAPE_INLINE void blocks_to_rows(const Vec<T>* in, std::int64_t distance,
                                   std::int64_t at, int columns,
                                   T* const* rows) {
  constexpr int kColumns = kPiece<T>;
  Vec<T> block[Blocks][kColumns];
  SIGTAPE_UNROLL for (int b = 0; b < Blocks; ++b) {
    SIGTAPE_UNROLL for (int k = 0; k < kColumns; ++k) block[b][k] =
        column_of<T, Differences>(
            in + at + b * kColumns + (k < columns ? k : 0), distance);
    transpose<T>(block[b]);
  }
  SIGTAPE_UNROLL for (int row = 0; row < kColumns; ++row) {
    T* const* to = rows + row;
    store_row<T, 0, Blocks>(block, row, to[0] + at, columns);
    if constexpr (kPieces < T >> 1)
      store_row<T, 1, Blocks>(block, row, to[kColumns] + at, columns);
    if constexpr (kPieces < T >> 2) {
      store_row<T, 2, Blocks>(block, row, to[2 * kColumns] + at, columns);
      store_row<T, 3, Blocks>(block, row, to[3 * kColumns] + at, columns);
    }
  }
}

#if SIGTAPE_VECTOR_BYTES == 64
// Columns of a wide block: 32 bytes of a row.
template <class T>
constexpr int wide_columns() {
  return 2 * kPiece<T>;
}

template <class T>
SIGTAPE_INLINE Vec<T> join_halves(const T* low, const T* high) {
  const __m256d a = _mm256_loadu_pd(reinterpret_cast<const double*>(low));
  const __m256d b = _mm256_loadu_pd(reinterpret_cast<const double*>(high));
  return reinterpret_cast<Vec<T>>(
      _mm512_maskz_insertf64x4(0xff, _mm512_castpd256_pd512(a), b, 1));
}

// 16-byte lanes a0 a2 b0 b2, or with Odd a1 a3 b1 b3.
template <class T, bool Odd>
SIGTAPE_INLINE Vec<T> every_second_piece(Vec<T> a, Vec<T> b) {
  constexpr int k = Odd ? 2 : 0;
  return reinterpret_cast<Vec<T>>(__builtin_shuffle(
      reinterpret_cast<Vec<double>>(a), reinterpret_cast<Vec<double>>(b),
      Mask<double>{k, k + 1, k + 4, k + 5, k + 8, k + 9, k + 12, k + 13}));
}

// 16-byte lanes a0 b0 a1 b1, or with High a2 b2 a3 b3.
template <class T, bool High>
SIGTAPE_INLINE Vec<T> alternate_pieces(Vec<T> a, Vec<T> b) {
  constexpr int k = High ? 4 : 0;
  return reinterpret_cast<Vec<T>>(__builtin_shuffle(
      reinterpret_cast<Vec<double>>(a), reinterpret_cast<Vec<double>>(b),
      Mask<double>{k, k + 1, k + 8, k + 9, k + 2, k + 3, k + 10, k + 11}));
}

// From vectors of two rows' halves, rows r and r + E and, in `second`, r + 2 E
// and r + 3 E.
template <class T>
SIGTAPE_INLINE void halves_to_lanes(Vec<T>* first, Vec<T>* second,
                                    Vec<T>* out) {
  constexpr int kColumns = kPiece<T>;
  transpose<T>(first);
  transpose<T>(second);
  SIGTAPE_UNROLL for (int k = 0; k < kColumns; ++k) {
    out[k] = every_second_piece<T, false>(first[k], second[k]);
    out[kColumns + k] = every_second_piece<T, true>(first[k], second[k]);
  }
}

// 32 bytes of every row: a vector of two rows' halves is as far as loads get
// without a shuffle. Eight loads and one third of a shuffle less for a vector
// than with 16-byte pieces.
template <class T>
SIGTAPE_INLINE void wide_to_lanes(const T* const* rows, std::int64_t at,
                                  Vec<T>* out) {
  constexpr int kColumns = kPiece<T>;
  Vec<T> first[kColumns], second[kColumns];
  SIGTAPE_UNROLL for (int r = 0; r < kColumns; ++r) {
    const T* const* of = rows + r;
    first[r] = join_halves<T>(of[0] + at, of[kColumns] + at);
    second[r] = join_halves<T>(of[2 * kColumns] + at, of[3 * kColumns] + at);
  }
  halves_to_lanes<T>(first, second, out);
}

// One half of two vectors side by side.
template <class T, int Half>
SIGTAPE_INLINE Vec<T> same_half(Vec<T> a, Vec<T> b) {
  constexpr int k = 4 * Half;
  return reinterpret_cast<Vec<T>>(__builtin_shuffle(
      reinterpret_cast<Vec<double>>(a), reinterpret_cast<Vec<double>>(b),
      Mask<double>{k, k + 1, k + 2, k + 3, k + 8, k + 9, k + 10, k + 11}));
}

// Whole lines of cache, 64 bytes of every row.
template <class T>
SIGTAPE_INLINE void lines_to_lanes(const T* const* rows, std::int64_t at,
                                   Vec<T>* out) {
  constexpr int kColumns = kPiece<T>;
  Vec<T> first[2][kColumns], second[2][kColumns];
  SIGTAPE_UNROLL for (int r = 0; r < kColumns; ++r) {
    const T* const* of = rows + r;
    Vec<T> line[4];
    SIGTAPE_UNROLL for (int k = 0; k < 4; ++k) line[k] =
        load<T>(of[k * kColumns] + at);
    first[0][r] = same_half<T, 0>(line[0], line[1]);
    first[1][r] = same_half<T, 1>(line[0], line[1]);
    second[0][r] = same_half<T, 0>(line[2], line[3]);
    second[1][r] = same_half<T, 1>(line[2], line[3]);
  }
  SIGTAPE_UNROLL for (int b = 0; b < 2; ++b)
      halves_to_lanes<T>(first[b], second[b], out + b * wide_columns<T>());
}

template <class T>
SIGTAPE_INLINE void store_halves(T* low, T* high, Vec<T> v) {
  typedef double Half __attribute__((vector_size(32)));
  const Vec<double> w = reinterpret_cast<Vec<double>>(v);
  const Half a = __builtin_shufflevector(w, w, 0, 1, 2, 3);
  const Half b = __builtin_shufflevector(w, w, 4, 5, 6, 7);
  __builtin_memcpy(low, &a, 32);
  __builtin_memcpy(high, &b, 32);
}

// Of every row what `halves_to_lanes` takes.
template <class T, bool Differences>
SIGTAPE_INLINE void lanes_to_halves(const Vec<T>* in, std::int64_t distance,
                                    Vec<T>* first, Vec<T>* second) {
  constexpr int kColumns = kPiece<T>;
  SIGTAPE_UNROLL for (int k = 0; k < kColumns; ++k) {
    const Vec<T> a = in_register(column_of<T, Differences>(in + k, distance));
    const Vec<T> b =
        in_register(column_of<T, Differences>(in + kColumns + k, distance));
    first[k] = alternate_pieces<T, false>(a, b);
    second[k] = alternate_pieces<T, true>(a, b);
  }
  transpose<T>(first);
  transpose<T>(second);
}

template <class T, bool Differences>
SIGTAPE_INLINE void wide_to_rows(const Vec<T>* in, std::int64_t distance,
                                 std::int64_t at, T* const* rows) {
  constexpr int kColumns = kPiece<T>;
  Vec<T> first[kColumns], second[kColumns];
  lanes_to_halves<T, Differences>(in + at, distance, first, second);
  SIGTAPE_UNROLL for (int r = 0; r < kColumns; ++r) {
    T* const* to = rows + r;
    store_halves<T>(to[0] + at, to[kColumns] + at, first[r]);
    store_halves<T>(to[2 * kColumns] + at, to[3 * kColumns] + at, second[r]);
  }
}

template <class T>
SIGTAPE_INLINE void lines_to_rows(const Vec<T>* in, std::int64_t at,
                                  T* const* rows) {
  constexpr int kColumns = kPiece<T>;
  Vec<T> first[2][kColumns], second[2][kColumns];
  SIGTAPE_UNROLL for (int b = 0; b < 2; ++b) lanes_to_halves<T, false>(
      in + at + b * wide_columns<T>(), 0, first[b], second[b]);
  SIGTAPE_UNROLL for (int r = 0; r < kColumns; ++r) {
    T* const* to = rows + r;
    store<T>(to[0] + at, same_half<T, 0>(first[0][r], first[1][r]));
    store<T>(to[kColumns] + at, same_half<T, 1>(first[0][r], first[1][r]));
    store<T>(to[2 * kColumns] + at,
             same_half<T, 0>(second[0][r], second[1][r]));
    store<T>(to[3 * kColumns] + at,
             same_half<T, 1>(second[0][r], second[1][r]));
  }
}

// Rows of a power of two's distance share few sets of the nearest cache: of 16
// rows some leave it before the next 32 bytes of the same line are asked for.
// Where lines begin at the same column in all rows, this is that column, and
// lines are moved as a whole; else, and for few columns, -1.
template <class T>
SIGTAPE_INLINE std::int64_t first_line(const T* const* rows,
                                       std::int64_t columns) {
  if (columns < 8 * lanes<T>()) return -1;
  std::uintptr_t different = 0;
  const auto start = reinterpret_cast<std::uintptr_t>(rows[0]);
  for (int lane = 1; lane < lanes<T>(); ++lane)
    different |= reinterpret_cast<std::uintptr_t>(rows[lane]) ^ start;
  if (different % SIGTAPE_VECTOR_BYTES != 0) return -1;
  return -start % SIGTAPE_VECTOR_BYTES / sizeof(T);
}
#else
// Their lines are no wider than a block.
template <class T>
SIGTAPE_INLINE std::int64_t first_line(const T* const*, std::int64_t) {
  return -1;
}

// The widest block of narrower vectors: two pieces side by side, so that a
// row's pointer is read once for both.
template <class T>
constexpr int wide_columns() {
  return 2 * kPiece<T>;
}

template <class T>
SIGTAPE_INLINE void wide_to_lanes(const T* const* rows, std::int64_t at,
                                  Vec<T>* out) {
  blocks_to_lanes<T, 2>(rows, at, kPiece<T>, out);
}

template <class T, bool Differences>
SIGTAPE_INLINE void wide_to_rows(const Vec<T>* in, std::int64_t distance,
                                 std::int64_t at, T* const* rows) {
  blocks_to_rows<T, 2, Differences>(in, distance, at, kPiece<T>, rows);
}
#endif

/// out[k][lane] = rows[lane][k], k < columns. What is left over of whole
/// blocks is moved with columns before it once more.
template <class T>
SIGTAPE_INLINE void to_lanes(const T* const* rows, std::int64_t columns,
                             Vec<T>* out) {
  constexpr int kColumns = kPiece<T>, kWide = wide_columns<T>();
  std::int64_t at = 0;
#if SIGTAPE_VECTOR_BYTES == 64
  const std::int64_t line = first_line<T>(rows, columns);
  if (line >= 0) {
    for (; at < line; at += kWide) wide_to_lanes<T>(rows, at, out + at);
    for (at = line; at + lanes<T>() <= columns; at += lanes<T>())
      lines_to_lanes<T>(rows, at, out + at);
    const std::int64_t last = columns - lanes<T>();
    if (at < columns) lines_to_lanes<T>(rows, last, out + last);
    return;
  }
#endif
  for (; at + kWide <= columns; at += kWide)
    wide_to_lanes<T>(rows, at, out + at);
  if (at < columns && columns >= kWide)
    return wide_to_lanes<T>(rows, columns - kWide, out + columns - kWide);
  if (at + kColumns <= columns) {
    blocks_to_lanes<T, 1>(rows, at, kColumns, out + at);
    at += kColumns;
  }
  if (at == columns) return;
  if (columns >= kColumns)
    return blocks_to_lanes<T, 1>(rows, columns - kColumns, kColumns,
                                 out + columns - kColumns);
  blocks_to_lanes<T, 1>(rows, at, static_cast<int>(columns - at), out + at);
}

// Of a block of columns in registers: each less
// the one that is D before it. `last` holds the D columns before the block, and
// then its own last ones.
template <class T, int D>
SIGTAPE_INLINE void block_differences(const Vec<T> (&block)[wide_columns<T>()],
                                      Vec<T> (&last)[D], Vec<T>* out) {
  constexpr int kWide = wide_columns<T>();
  SIGTAPE_UNROLL for (int k = 0; k < kWide; ++k) out[k] =
      block[k] - (k < D ? last[k < D ? k : 0] : block[k < D ? 0 : k - D]);
  SIGTAPE_UNROLL for (int k = 0; k < D; ++k) last[k] = block[kWide - D + k];
}

// `lane_differences` in registers, for at least a wide block of columns and D
// below that.
template <class T, int D>
SIGTAPE_KERNEL void close_differences(const T* const* rows,
                                      std::int64_t columns,
                                      const Vec<T>* before, Vec<T>* out) {
  constexpr int kWide = wide_columns<T>();
  Vec<T> last[D] = {}, block[kWide];
  if (before) SIGTAPE_UNROLL for (int k = 0; k < D; ++k) last[k] = before[k];
  std::int64_t at = 0;
  for (; at + kWide <= columns; at += kWide) {
    wide_to_lanes<T>(rows, at, block);
    block_differences<T, D>(block, last, out + at);
  }
  if (at == columns) return;
  const std::int64_t begin = columns - kWide;
  wide_to_lanes<T>(rows, begin, block);
  for (std::int64_t k = at; k < columns; ++k)
    out[k] =
        block[k - begin] - (k - at < D ? last[k - at] : block[k - D - begin]);
}

/// out[k][lane] = rows[lane][k] - rows[lane][k - d], k < columns, where
/// `before`, [d] vectors, stands for the columns before the first, and zeros
/// if it is null.
template <class T>
void lane_differences(const T* const* rows, std::int64_t columns,
                      std::int64_t d, const Vec<T>* before, Vec<T>* out) {
  constexpr bool kEight = wide_columns<T>() == 8;
  if (columns >= wide_columns<T>() && first_line<T>(rows, columns) < 0) {
    if (d == 2) return close_differences<T, 2>(rows, columns, before, out);
    if (d == 3) return close_differences<T, 3>(rows, columns, before, out);
    if constexpr (kEight) {
      if (d == 4) return close_differences<T, 4>(rows, columns, before, out);
      if (d == 5) return close_differences<T, 5>(rows, columns, before, out);
      if (d == 6) return close_differences<T, 6>(rows, columns, before, out);
    }
  }
  to_lanes<T>(rows, columns, out);
  for (std::int64_t k = columns - 1; k >= d; --k) out[k] -= out[k - d];
  for (std::int64_t k = 0; before && k < d && k < columns; ++k)
    out[k] -= before[k];
}

template <class T, bool Differences>
SIGTAPE_INLINE void columns_to_rows(const Vec<T>* in, std::int64_t distance,
                                    std::int64_t columns, T* const* rows) {
  constexpr int kColumns = kPiece<T>, kWide = wide_columns<T>();
  std::int64_t at = 0;
#if SIGTAPE_VECTOR_BYTES == 64
  const std::int64_t line = Differences ? -1 : first_line<T>(rows, columns);
  if (line >= 0) {
    for (; at < line; at += kWide) wide_to_rows<T, false>(in, 0, at, rows);
    for (at = line; at + lanes<T>() <= columns; at += lanes<T>())
      lines_to_rows<T>(in, at, rows);
    if (at < columns) lines_to_rows<T>(in, columns - lanes<T>(), rows);
    return;
  }
#endif
  for (; at + kWide <= columns; at += kWide)
    wide_to_rows<T, Differences>(in, distance, at, rows);
  if (at < columns && columns >= kWide)
    return wide_to_rows<T, Differences>(in, distance, columns - kWide, rows);
  if (at + kColumns <= columns) {
    blocks_to_rows<T, 1, Differences>(in, distance, at, kColumns, rows);
    at += kColumns;
  }
  if (at == columns) return;
  if (columns >= kColumns)
    return blocks_to_rows<T, 1, Differences>(in, distance, columns - kColumns,
                                             kColumns, rows);
  blocks_to_rows<T, 1, Differences>(in, distance, at,
                                    static_cast<int>(columns - at), rows);
}

/// rows[lane][k] = in[k][lane], k < columns. Lanes may share a row if they
/// hold the same values.
template <class T>
SIGTAPE_INLINE void to_rows(const Vec<T>* in, std::int64_t columns,
                            T* const* rows) {
  columns_to_rows<T, false>(in, 0, columns, rows);
}

/// rows[lane][k] = in[k][lane] - in[k + distance][lane].
template <class T>
SIGTAPE_INLINE void differences_to_rows(const Vec<T>* in, std::int64_t columns,
                                        std::int64_t distance, T* const* rows) {
  columns_to_rows<T, true>(in, distance, columns, rows);
}

/// Sums over the lanes of `count` vectors. Pieces of 16 bytes are transposed
/// and added, so that one addition serves as many sums as a piece has elements.
template <class T>
void sum_lanes(const Vec<T>* from, std::int64_t count, T* sums) {
  constexpr int kColumns = kPiece<T>;
  for (std::int64_t at = 0; at < count; at += kColumns) {
    const int columns =
        count - at < kColumns ? static_cast<int>(count - at) : kColumns;
    Vec<T> block[kColumns];
    for (int k = 0; k < kColumns; ++k)
      block[k] = from[at + (k < columns ? k : 0)];
    transpose<T>(block);
    Vec<T> all = block[0];
    for (int k = 1; k < kColumns; ++k) all += block[k];
    Piece<T> sum = piece_of<T, 0>(all);
    if constexpr (kPieces < T >> 1) sum += piece_of<T, 1>(all);
    if constexpr (kPieces < T >> 2)
      sum += piece_of<T, 2>(all) + piece_of<T, 3>(all);
    store_piece(sums + at, sum, columns);
  }
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
