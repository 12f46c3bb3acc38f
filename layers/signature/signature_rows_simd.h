#pragma once

// Between rows in memory, one for each lane, and vectors of one word each:
// vectors[k][lane] = rows[lane][k]. Blocks of as many columns as fit 16 bytes:
// the 16-byte pieces of all rows are gathered into whole vectors, and a
// transpose inside each 16-byte lane does the rest, so that no shuffle crosses
// 16-byte lanes.

#include "sigtape/framework/simd/vec.h"

#if SIGTAPE_VECTOR_BYTES > 16
#include <immintrin.h>
#endif

namespace sigtape::SIGTAPE_ISA_NAME {

/// Columns of a block.
template <class T>
constexpr int piece_columns() {
  return 16 / static_cast<int>(sizeof(T));
}

constexpr int kPieces = SIGTAPE_VECTOR_BYTES / 16;

template <class T>
struct PieceOf {
  typedef T type __attribute__((vector_size(16)));
};
template <class T>
using Piece = typename PieceOf<T>::type;

template <class T>
SIGTAPE_INLINE Piece<T> load_piece(const T* from, int columns) {
  Piece<T> piece = {};
  if (columns >= piece_columns<T>()) {
    __builtin_memcpy(&piece, from, 16);
  } else {
    for (int k = 0; k < columns; ++k) piece[k] = from[k];
  }
  return piece;
}

template <class T>
SIGTAPE_INLINE void store_piece(T* to, Piece<T> piece, int columns) {
  if (columns >= piece_columns<T>()) {
    __builtin_memcpy(to, &piece, 16);
  } else {
    for (int k = 0; k < columns; ++k) to[k] = piece[k];
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

// In every 16-byte lane: element k of the result is element `from[k]` of the
// lane of a (0 to E - 1) or of b (E to 2 E - 1), E elements to a lane.
template <class T, int... From>
SIGTAPE_INLINE Vec<T> shuffle_pieces(Vec<T> a, Vec<T> b) {
  constexpr int kColumns = piece_columns<T>();
  constexpr int kFrom[] = {From...};
  Mask<T> mask;
  for (int lane = 0; lane < lanes<T>(); ++lane) {
    const int from = kFrom[lane % kColumns];
    const int base = lane - lane % kColumns;
    mask[lane] =
        from < kColumns ? base + from : lanes<T>() + base + from - kColumns;
  }
  return __builtin_shuffle(a, b, mask);
}

template <class T>
SIGTAPE_INLINE void transpose_pieces(Vec<T>* v) {
  if constexpr (sizeof(T) == 4) {
    const Vec<T> a = shuffle_pieces<T, 0, 4, 1, 5>(v[0], v[1]);
    const Vec<T> b = shuffle_pieces<T, 2, 6, 3, 7>(v[0], v[1]);
    const Vec<T> c = shuffle_pieces<T, 0, 4, 1, 5>(v[2], v[3]);
    const Vec<T> d = shuffle_pieces<T, 2, 6, 3, 7>(v[2], v[3]);
    v[0] = shuffle_pieces<T, 0, 1, 4, 5>(a, c);
    v[1] = shuffle_pieces<T, 2, 3, 6, 7>(a, c);
    v[2] = shuffle_pieces<T, 0, 1, 4, 5>(b, d);
    v[3] = shuffle_pieces<T, 2, 3, 6, 7>(b, d);
  } else {
    const Vec<T> a = v[0];
    v[0] = shuffle_pieces<T, 0, 2>(a, v[1]);
    v[1] = shuffle_pieces<T, 1, 3>(a, v[1]);
  }
}

// Blocks side by side that are moved together: a row's pointer is read once
// for all of them, and what is written to a row is more than 16 bytes.
constexpr int kBlocks = SIGTAPE_VECTOR_BYTES == 64 ? 4 : 2;

// Blocks from column `at` on. A single block may have fewer `columns`.
template <class T, int Blocks>
SIGTAPE_INLINE void blocks_to_lanes(const T* const* rows, std::int64_t at,
                                    int columns, Vec<T>* out) {
  constexpr int kColumns = piece_columns<T>();
  Vec<T> block[Blocks][kColumns];
  SIGTAPE_UNROLL for (int row = 0; row < kColumns; ++row) {
    Piece<T> pieces[Blocks][kPieces];
    SIGTAPE_UNROLL for (int k = 0; k < kPieces; ++k) {
      const T* from = rows[k * kColumns + row] + at;
      SIGTAPE_UNROLL for (int b = 0; b < Blocks; ++b) pieces[b][k] =
          load_piece(from + b * kColumns, columns);
    }
    SIGTAPE_UNROLL for (int b = 0; b < Blocks; ++b) block[b][row] =
        join<T>(pieces[b]);
  }
  SIGTAPE_UNROLL for (int b = 0; b < Blocks; ++b) {
    transpose_pieces<T>(block[b]);
    SIGTAPE_UNROLL for (int k = 0; k < kColumns; ++k) if (k < columns)
        out[at + b * kColumns + k] = block[b][k];
  }
}

template <class T, int Piece, int Blocks>
SIGTAPE_INLINE void store_row(Vec<T> (*block)[piece_columns<T>()], int row,
                              T* to, int columns) {
  SIGTAPE_UNROLL for (int b = 0; b < Blocks; ++b) store_piece(
      to + b * piece_columns<T>(), piece_of<T, Piece>(block[b][row]), columns);
}

template <class T, int Blocks>
SIGTAPE_INLINE void blocks_to_rows(const Vec<T>* in, std::int64_t at,
                                   int columns, T* const* rows) {
  constexpr int kColumns = piece_columns<T>();
  Vec<T> block[Blocks][kColumns];
  SIGTAPE_UNROLL for (int b = 0; b < Blocks; ++b) {
    SIGTAPE_UNROLL for (int k = 0; k < kColumns; ++k) block[b][k] =
        in[at + b * kColumns + (k < columns ? k : 0)];
    transpose_pieces<T>(block[b]);
  }
  SIGTAPE_UNROLL for (int row = 0; row < kColumns; ++row) {
    T* const* to = rows + row;
    store_row<T, 0, Blocks>(block, row, to[0] + at, columns);
    if constexpr (kPieces > 1)
      store_row<T, 1, Blocks>(block, row, to[kColumns] + at, columns);
    if constexpr (kPieces > 2) {
      store_row<T, 2, Blocks>(block, row, to[2 * kColumns] + at, columns);
      store_row<T, 3, Blocks>(block, row, to[3 * kColumns] + at, columns);
    }
  }
}

/// out[k][lane] = rows[lane][k], k < columns.
template <class T>
SIGTAPE_INLINE void to_lanes(const T* const* rows, std::int64_t columns,
                             Vec<T>* out) {
  constexpr int kColumns = piece_columns<T>();
  std::int64_t at = 0;
  for (; at + kBlocks * kColumns <= columns; at += kBlocks * kColumns)
    blocks_to_lanes<T, kBlocks>(rows, at, kColumns, out);
  for (; at + kColumns <= columns; at += kColumns)
    blocks_to_lanes<T, 1>(rows, at, kColumns, out);
  if (at < columns)
    blocks_to_lanes<T, 1>(rows, at, static_cast<int>(columns - at), out);
}

/// rows[lane][k] = in[k][lane], k < columns. Lanes may share a row if they
/// hold the same values.
template <class T>
SIGTAPE_INLINE void to_rows(const Vec<T>* in, std::int64_t columns,
                            T* const* rows) {
  constexpr int kColumns = piece_columns<T>();
  std::int64_t at = 0;
  for (; at + kBlocks * kColumns <= columns; at += kBlocks * kColumns)
    blocks_to_rows<T, kBlocks>(in, at, kColumns, rows);
  for (; at + kColumns <= columns; at += kColumns)
    blocks_to_rows<T, 1>(in, at, kColumns, rows);
  if (at < columns)
    blocks_to_rows<T, 1>(in, at, static_cast<int>(columns - at), rows);
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
