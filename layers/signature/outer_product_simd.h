#pragma once

// Outer products of one level of a signature with one of another, and their
// adjoint: `count` words on the left, `words` on the right, `count * words` in
// the product. V is T, Vec<T> or a Dual of one of them; what is one element
// wide fills vectors with words.

#include "sigtape/framework/simd/indices_simd.h"
#include "sigtape/framework/simd/vec.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// Sums of neighbouring lanes of a, then of b.
template <class T, int... I>
SIGTAPE_INLINE Vec<T> pair_sums(Vec<T> a, Vec<T> b, Indices<I...>) {
  return __builtin_shufflevector(a, b, 2 * I...) +
         __builtin_shufflevector(a, b, 2 * I + 1 ...);
}

/// v with lanes that are `Half` apart added to each other.
template <class T, int Half, int... I>
SIGTAPE_INLINE Vec<T> half_sums(Vec<T> v, Indices<I...>) {
  return v + __builtin_shufflevector(v, v, (I ^ Half)...);
}

/// The sum of all lanes.
template <class T, int Half = lanes<T>() / 2>
SIGTAPE_INLINE T lane_sum(Vec<T> v) {
  if constexpr (Half == 0) {
    return v[0];
  } else {
    using All = typename Counted<lanes<T>()>::type;
    return lane_sum<T, Half / 2>(half_sums<T, Half>(v, All()));
  }
}

/// Part K of W: each of its lanes / W elements W times.
template <class T, int W, int K, int... I>
SIGTAPE_INLINE Vec<T> spread(Vec<T> v, Indices<I...>) {
  return __builtin_shufflevector(v, v, (K * (lanes<T>() / W) + I / W)...);
}

/// out[u words + w] += left[u] right[w].
template <class V>
SIGTAPE_INLINE void add_outer_plain(std::int64_t count, const V* left,
                                    std::int64_t words, const V* right,
                                    V* out) {
  for (std::int64_t u = 0; u < count; ++u, out += words) {
    const V factor = left[u];
    for (std::int64_t w = 0; w < words; ++w) out[w] += factor * right[w];
  }
}

/// dleft[u] += from[u words + w] right[w], dright[w] += left[u] from[u words +
/// w].
template <class V>
SIGTAPE_INLINE void add_outer_adjoint_plain(std::int64_t count, const V* left,
                                            std::int64_t words, const V* right,
                                            const V* from, V* dleft,
                                            V* dright) {
  for (std::int64_t u = 0; u < count; ++u, from += words) {
    const V factor = left[u];
    V sum = {};
    for (std::int64_t w = 0; w < words; ++w) {
      sum += from[w] * right[w];
      dright[w] += factor * from[w];
    }
    dleft[u] += sum;
  }
}

/// The same where W words divide a vector: as many left words as it has lanes
/// make W vectors. Returns how many left words are done.
template <class T, int W, int... K>
SIGTAPE_INLINE std::int64_t add_outer_tiled(std::int64_t count, const T* left,
                                            const T* right, T* out,
                                            Indices<K...>) {
  constexpr int n = lanes<T>();
  const typename Counted<n>::type all;
  Vec<T> tile = {};
  for (int lane = 0; lane < n; ++lane) tile[lane] = right[lane % W];
  std::int64_t u = 0;
  for (; u + n <= count; u += n) {
    const Vec<T> factors = load(left + u);
    T* const to = out + u * W;
    (store(to + K * n, load(to + K * n) + spread<T, W, K>(factors, all) * tile),
     ...);
  }
  return u;
}

template <class T, int W, int... K>
SIGTAPE_INLINE std::int64_t add_outer_adjoint_tiled(std::int64_t count,
                                                    const T* left,
                                                    const T* right,
                                                    const T* from, T* dleft,
                                                    T* dright, Indices<K...>) {
  constexpr int n = lanes<T>();
  const typename Counted<n>::type all;
  Vec<T> tile = {}, sums = {};
  for (int lane = 0; lane < n; ++lane) tile[lane] = right[lane % W];
  std::int64_t u = 0;
  for (; u + n <= count; u += n) {
    const Vec<T> factors = load(left + u);
    Vec<T> rows[W] = {load(from + u * W + K * n)...};
    ((sums += rows[K] * spread<T, W, K>(factors, all)), ...);
    ((rows[K] *= tile), ...);
    SIGTAPE_UNROLL
    for (int half = W / 2; half > 0; half /= 2) SIGTAPE_UNROLL
    for (int i = 0; i < half; ++i)
      rows[i] = pair_sums<T>(rows[2 * i], rows[2 * i + 1], all);
    store(dleft + u, load(dleft + u) + rows[0]);
  }
  for (int lane = 0; lane < n; ++lane) dright[lane % W] += sums[lane];
  return u;
}

/// Calls body(W) with an integral constant where `words` is such a W.
template <class T, class Body>
SIGTAPE_INLINE std::int64_t with_tile(std::int64_t words, const Body& body) {
  if (words == 2) return body.template operator()<2>();
  if constexpr (lanes<T>() >= 4)
    if (words == 4) return body.template operator()<4>();
  if constexpr (lanes<T>() >= 8)
    if (words == 8) return body.template operator()<8>();
  return 0;
}

/// The product of rows that are wider than a vector.
template <class T>
SIGTAPE_INLINE void add_outer_rows(std::int64_t count, const T* left,
                                   std::int64_t words, const T* right, T* out) {
  const std::int64_t whole = words - words % lanes<T>();
  for (std::int64_t u = 0; u < count; ++u, out += words) {
    const T factor = left[u];
    for (std::int64_t w = 0; w < whole; w += lanes<T>())
      store(out + w, load(out + w) + broadcast(factor) * load(right + w));
    for (std::int64_t w = whole; w < words; ++w) out[w] += factor * right[w];
  }
}

template <class T>
SIGTAPE_INLINE void add_outer_adjoint_rows(std::int64_t count, const T* left,
                                           std::int64_t words, const T* right,
                                           const T* from, T* dleft, T* dright) {
  const std::int64_t whole = words - words % lanes<T>();
  for (std::int64_t u = 0; u < count; ++u, from += words) {
    const T factor = left[u];
    Vec<T> sums = {};
    for (std::int64_t w = 0; w < whole; w += lanes<T>()) {
      const Vec<T> row = load(from + w);
      sums += row * load(right + w);
      store(dright + w, load(dright + w) + broadcast(factor) * row);
    }
    T sum = {};
    for (std::int64_t w = whole; w < words; ++w) {
      sum += from[w] * right[w];
      dright[w] += factor * from[w];
    }
    dleft[u] += sum + lane_sum<T>(sums);
  }
}

/// Adds the outer product to `out`, which overlaps neither factor.
template <class T, class V>
SIGTAPE_INLINE void add_outer(std::int64_t count, const V* left,
                              std::int64_t words, const V* right, V* out) {
  std::int64_t done = 0;
  if constexpr (sizeof(V) == sizeof(T)) {
    if (words >= lanes<T>())
      return add_outer_rows<T>(count, left, words, right, out);
    done = with_tile<T>(words, [&]<int W>() {
      return add_outer_tiled<T, W>(count, left, right, out,
                                   typename Counted<W>::type());
    });
  }
  add_outer_plain(count - done, left + done, words, right, out + done * words);
}

/// Adds to the gradients of both factors, which overlap nothing else.
template <class T, class V>
SIGTAPE_INLINE void add_outer_adjoint(std::int64_t count, const V* left,
                                      std::int64_t words, const V* right,
                                      const V* from, V* dleft, V* dright) {
  std::int64_t done = 0;
  if constexpr (sizeof(V) == sizeof(T)) {
    if (words >= lanes<T>()) {
      return add_outer_adjoint_rows<T>(count, left, words, right, from, dleft,
                                       dright);
    }
    done = with_tile<T>(words, [&]<int W>() {
      return add_outer_adjoint_tiled<T, W>(count, left, right, from, dleft,
                                           dright, typename Counted<W>::type());
    });
  }
  add_outer_adjoint_plain(count - done, left + done, words, right,
                          from + done * words, dleft + done, dright);
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
