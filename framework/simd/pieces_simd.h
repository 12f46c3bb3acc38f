#pragma once

// Transposes between points, whose few numbers stand together in memory, and
// planes, vectors of one number of many points: for sources named X_simd.cpp.
// A piece is 16 bytes: kPiece numbers of a point. In a vector of pieces, piece
// q of vector i belongs to point q kPiece + i, so that no shuffle crosses a
// piece.

#include "sigtape/framework/simd/indices_simd.h"
#include "sigtape/framework/simd/vec.h"

#if SIGTAPE_VECTOR_BYTES > 16
#include <immintrin.h>
#endif

namespace sigtape::SIGTAPE_ISA_NAME {

template <class T>
struct PieceOf {
  typedef T type __attribute__((vector_size(16)));
};
template <class T>
using Piece = typename PieceOf<T>::type;

template <class T>
constexpr int kPiece = 16 / static_cast<int>(sizeof(T));
template <class T>
constexpr int kPieces = lanes<T>() / kPiece<T>;

/// Hides where `value` comes from. Of sixteen addresses in a loop the compiler
/// would else keep each in a register of its own, which there are not.
template <class V>
SIGTAPE_INLINE V opaque(V value) {
  asm("" : "+r"(value));
  return value;
}

/// Distances of kPiece points, in bytes.
struct PieceSteps {
  std::int64_t one, three;

  /// For points `step` numbers of type T apart.
  template <class T>
  static SIGTAPE_INLINE PieceSteps of(std::int64_t step) {
    const std::int64_t one = step * kPiece<T> * std::int64_t{sizeof(T)};
    return {opaque(one), opaque(3 * one)};
  }
};

template <class T>
SIGTAPE_INLINE auto piece_at(const T* x, std::int64_t bytes) {
#if SIGTAPE_VECTOR_BYTES > 16
  __m128 v;
#else
  Vec<T> v;
#endif
  __builtin_memcpy(&v, reinterpret_cast<const char*>(x) + bytes, 16);
  return v;
}

/// The pieces at x and at its distance once, twice, .. from there, in one
/// vector. The insertions are spelt out because they can read memory, where a
/// general shuffle cannot.
template <class T>
SIGTAPE_INLINE Vec<T> load_pieces(const T* x, const PieceSteps& steps) {
  const auto first = piece_at(x, 0);
#if SIGTAPE_VECTOR_BYTES == 64
  __m512 v = _mm512_castps128_ps512(first);
  v = _mm512_insertf32x4(v, piece_at(x, steps.one), 1);
  v = _mm512_insertf32x4(v, piece_at(x, 2 * steps.one), 2);
  return reinterpret_cast<Vec<T>>(
      _mm512_insertf32x4(v, piece_at(x, steps.three), 3));
#elif SIGTAPE_VECTOR_BYTES == 32
  return reinterpret_cast<Vec<T>>(_mm256_insertf128_ps(
      _mm256_castps128_ps256(first), piece_at(x, steps.one), 1));
#else
  (void)steps;
  return first;
#endif
}

/// Element c of every piece of pairs (a, b): for pieces of two elements.
template <int C, class V, int... I>
SIGTAPE_INLINE V pairs(V a, V b, Indices<I...>) {
  constexpr int w = sizeof...(I);
  return __builtin_shufflevector(a, b, (I % 2 * w + I / 2 * 2 + C)...);
}

/// Within pieces of four: a and b alternating, from their elements `From` and
/// From + 1; then the pairs of a and of b that start at From.
template <int From, class V, int... I>
SIGTAPE_INLINE V alternate(V a, V b, Indices<I...>) {
  constexpr int w = sizeof...(I);
  return __builtin_shufflevector(a, b,
                                 (I % 2 * w + I / 4 * 4 + I % 4 / 2 + From)...);
}
template <int From, class V, int... I>
SIGTAPE_INLINE V halves(V a, V b, Indices<I...>) {
  constexpr int w = sizeof...(I);
  return __builtin_shufflevector(a, b,
                                 (I % 4 / 2 * w + I / 4 * 4 + I % 2 + From)...);
}

/// kPiece vectors of pieces into planes, and back: it is its own inverse.
template <class T>
SIGTAPE_INLINE void transpose(Vec<T>* v) {
  constexpr typename Counted<lanes<T>()>::type all;
  if constexpr (kPiece<T> == 2) {
    const Vec<T> first = pairs<0>(v[0], v[1], all);
    v[1] = pairs<1>(v[0], v[1], all);
    v[0] = first;
  } else {
    const Vec<T> a = alternate<0>(v[0], v[1], all),
                 b = alternate<0>(v[2], v[3], all),
                 c = alternate<2>(v[0], v[1], all),
                 d = alternate<2>(v[2], v[3], all);
    v[0] = halves<0>(a, b, all);
    v[1] = halves<2>(a, b, all);
    v[2] = halves<0>(c, d, all);
    v[3] = halves<2>(c, d, all);
  }
}

template <class T, int Q, int... I>
SIGTAPE_INLINE void store_piece(T* y, Vec<T> v, Indices<I...>) {
  const Piece<T> piece = __builtin_shufflevector(v, v, (Q * kPiece<T> + I)...);
  __builtin_memcpy(y, &piece, 16);
}

/// kPiece vectors of pieces to points that are `step` apart, in ascending
/// order: what a point writes beyond its numbers, the next overwrites.
template <class T, int... Q>
SIGTAPE_INLINE void store_pieces(T* y, std::int64_t step, const Vec<T>* v,
                                 Indices<Q...>) {
  constexpr int p = kPiece<T>;
  const auto points = [&](auto point) __attribute__((always_inline)) {
    SIGTAPE_UNROLL
    for (int i = 0; i < p; ++i) point(i);
  };
  (points([&](int i) __attribute__((always_inline)) {
     store_piece<T, Q>(y + (Q * p + i) * step, v[i],
                       typename Counted<p>::type());
   }),
   ...);
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
