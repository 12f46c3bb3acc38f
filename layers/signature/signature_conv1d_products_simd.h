#pragma once

// The three products of a subtree's rows, as register tiles: words of the row
// by time steps by taps. A weight is a number, the same for all lanes, or a
// vector where lanes hold different subtrees.

#include "sigtape/framework/simd/vec.h"

namespace sigtape::SIGTAPE_ISA_NAME {

// Tiles that fit the 32 vector registers of AVX-512 and NEON or the 16 of
// others. kTimes and kCotangentTimes divide the plan's kStepMultiple.
#if SIGTAPE_VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr int kOutputs = 4, kTimes = 3, kWords = 6, kCotangentTimes = 4;
#else
constexpr int kOutputs = 2, kTimes = 3, kWords = 3, kCotangentTimes = 4;
#endif
constexpr int kTaps = 4;

template <class T>
SIGTAPE_INLINE Vec<T> spread(T weight) {
  return broadcast(weight);
}
template <class T>
SIGTAPE_INLINE Vec<T> spread(Vec<T> weight) {
  return weight;
}

/// Sizes that all products share. Rows of words are row_stride vectors apart,
/// rows of y and dy `outputs` vectors.
struct ProductSizes {
  std::int64_t words, row_words, row_stride, outputs, kernel;
};

/// y[t - k] += W_k rows[t] for M outputs, K taps and kTimes rows; y stands at
/// the position of the first row and the last of the taps.
template <class T, class Weight, int M, int K>
SIGTAPE_INLINE void add_windows(const ProductSizes& size, const Vec<T>* rows,
                                const Weight* weights, Vec<T>* y) {
  Vec<T> sums[M][kTimes + K - 1];
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m)
#pragma GCC unroll 16
    for (int z = 0; z < kTimes + K - 1; ++z)
      sums[m][z] = y[z * size.outputs + m];
  const std::int64_t next = size.row_words * size.kernel;
  for (std::int64_t w = 0; w < size.words; ++w) {
    Vec<T> s[kTimes];
#pragma GCC unroll 16
    for (int t = 0; t < kTimes; ++t) s[t] = rows[t * size.row_stride + w];
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 16
      for (int k = 0; k < K; ++k) {
        const Vec<T> c = spread<T>(weights[m * next + w * size.kernel + k]);
#pragma GCC unroll 16
        for (int t = 0; t < kTimes; ++t) sums[m][t + K - 1 - k] += c * s[t];
      }
  }
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m)
#pragma GCC unroll 16
    for (int z = 0; z < kTimes + K - 1; ++z)
      y[z * size.outputs + m] = sums[m][z];
}

template <class T, class Weight, int K>
SIGTAPE_INLINE void add_windows_of_taps(const ProductSizes& size,
                                        const Vec<T>* rows,
                                        const Weight* weights, Vec<T>* y) {
  const std::int64_t next = size.row_words * size.kernel;
  std::int64_t o = 0;
  for (; o + kOutputs <= size.outputs; o += kOutputs)
    add_windows<T, Weight, kOutputs, K>(size, rows, weights + o * next, y + o);
  if constexpr (kOutputs > 2) {
    if (o + 2 <= size.outputs) {
      add_windows<T, Weight, 2, K>(size, rows, weights + o * next, y + o);
      o += 2;
    }
  }
  if (o < size.outputs)
    add_windows<T, Weight, 1, K>(size, rows, weights + o * next, y + o);
}

/// The convolution of kTimes rows, all outputs and taps; `y` stands at the
/// first row's position.
template <class T, class Weight>
void convolve(const ProductSizes& size, const Vec<T>* rows,
              const Weight* weights, Vec<T>* y) {
  std::int64_t k = 0;
  for (; k + kTaps <= size.kernel; k += kTaps)
    add_windows_of_taps<T, Weight, kTaps>(size, rows, weights + k,
                                          y - (k + kTaps - 1) * size.outputs);
  const Weight* rest = weights + k;
  Vec<T>* first = y - (size.kernel - 1) * size.outputs;
  if (size.kernel - k == 3)
    add_windows_of_taps<T, Weight, 3>(size, rows, rest, first);
  if (size.kernel - k == 2)
    add_windows_of_taps<T, Weight, 2>(size, rows, rest, first);
  if (size.kernel - k == 1)
    add_windows_of_taps<T, Weight, 1>(size, rows, rest, first);
}

/// dW_k += rows[t] dy[t - k] over n rows, for M words, O outputs and K taps.
template <class T, int M, int O, int K>
SIGTAPE_INLINE void add_weight_gradients(const ProductSizes& size,
                                         const Vec<T>* rows, std::int64_t n,
                                         const Vec<T>* dy, Vec<T>* dweights) {
  const std::int64_t next = size.row_words * size.kernel;
  Vec<T> sums[M][O][K];
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m)
#pragma GCC unroll 16
    for (int o = 0; o < O; ++o)
#pragma GCC unroll 16
      for (int k = 0; k < K; ++k)
        sums[m][o][k] = dweights[o * next + m * size.kernel + k];
  for (std::int64_t t = 0; t < n; ++t) {
    Vec<T> c[O][K];
#pragma GCC unroll 16
    for (int o = 0; o < O; ++o)
#pragma GCC unroll 16
      for (int k = 0; k < K; ++k) c[o][k] = dy[o - k * size.outputs];
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m) {
      const Vec<T> s = rows[m];
#pragma GCC unroll 16
      for (int o = 0; o < O; ++o)
#pragma GCC unroll 16
        for (int k = 0; k < K; ++k) sums[m][o][k] += s * c[o][k];
    }
    rows += size.row_stride;
    dy += size.outputs;
  }
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m)
#pragma GCC unroll 16
    for (int o = 0; o < O; ++o)
#pragma GCC unroll 16
      for (int k = 0; k < K; ++k)
        dweights[o * next + m * size.kernel + k] = sums[m][o][k];
}

template <class T, int M, int O, int K>
SIGTAPE_INLINE void weight_gradients_of_words(const ProductSizes& size,
                                              const Vec<T>* rows,
                                              std::int64_t n, const Vec<T>* dy,
                                              Vec<T>* dweights) {
  const std::int64_t next = size.row_words * size.kernel;
  std::int64_t o = 0;
  for (; o + O <= size.outputs; o += O)
    add_weight_gradients<T, M, O, K>(size, rows, n, dy + o,
                                     dweights + o * next);
  for (; o < size.outputs; ++o)
    add_weight_gradients<T, M, 1, K>(size, rows, n, dy + o,
                                     dweights + o * next);
}

template <class T, int K>
SIGTAPE_INLINE void weight_gradients_of_taps(const ProductSizes& size,
                                             const Vec<T>* rows, std::int64_t n,
                                             const Vec<T>* dy,
                                             Vec<T>* dweights) {
  // Fewer taps leave registers to more outputs.
  constexpr int kMany = K >= 3 ? 1 : kTaps / K;
  std::int64_t w = 0;
  for (; w + kWords <= size.words; w += kWords)
    weight_gradients_of_words<T, kWords, kMany, K>(size, rows + w, n, dy,
                                                   dweights + w * size.kernel);
  for (; w < size.words; ++w)
    weight_gradients_of_words<T, 1, kOutputs, K>(size, rows + w, n, dy,
                                                 dweights + w * size.kernel);
}

/// Adds the weights' gradients of n rows; `dy` stands at the first row's
/// position.
template <class T>
void add_weight_gradients(const ProductSizes& size, const Vec<T>* rows,
                          std::int64_t n, const Vec<T>* dy, Vec<T>* dweights) {
  std::int64_t k = 0;
  for (; k + kTaps <= size.kernel; k += kTaps)
    weight_gradients_of_taps<T, kTaps>(size, rows, n, dy - k * size.outputs,
                                       dweights + k);
  const Vec<T>* rest = dy - k * size.outputs;
  if (size.kernel - k == 3)
    weight_gradients_of_taps<T, 3>(size, rows, n, rest, dweights + k);
  if (size.kernel - k == 2)
    weight_gradients_of_taps<T, 2>(size, rows, n, rest, dweights + k);
  if (size.kernel - k == 1)
    weight_gradients_of_taps<T, 1>(size, rows, n, rest, dweights + k);
}

/// out[t] = sum_{o, k} W_k dy[t - k] for M words and kCotangentTimes rows.
template <class T, class Weight, int M>
SIGTAPE_INLINE void cotangents_of_words(const ProductSizes& size,
                                        const Weight* weights, const Vec<T>* dy,
                                        Vec<T>* out) {
  Vec<T> sums[M][kCotangentTimes] = {};
  for (std::int64_t o = 0; o < size.outputs; ++o) {
    const Weight* of_output = weights + o * size.row_words * size.kernel;
    for (std::int64_t k = 0; k < size.kernel; ++k) {
      Vec<T> c[kCotangentTimes];
#pragma GCC unroll 16
      for (int t = 0; t < kCotangentTimes; ++t)
        c[t] = dy[(t - k) * size.outputs + o];
#pragma GCC unroll 16
      for (int m = 0; m < M; ++m) {
        const Vec<T> g = spread<T>(of_output[m * size.kernel + k]);
#pragma GCC unroll 16
        for (int t = 0; t < kCotangentTimes; ++t) sums[m][t] += g * c[t];
      }
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m)
#pragma GCC unroll 16
    for (int t = 0; t < kCotangentTimes; ++t)
      out[t * size.row_stride + m] = sums[m][t];
}

/// The cotangents of kCotangentTimes rows; `dy` stands at the first row's
/// position.
template <class T, class Weight>
void cotangents(const ProductSizes& size, const Weight* weights,
                const Vec<T>* dy, Vec<T>* out) {
  std::int64_t w = 0;
  for (; w + kWords <= size.words; w += kWords)
    cotangents_of_words<T, Weight, kWords>(size, weights + w * size.kernel, dy,
                                           out + w);
  if constexpr (kWords > 3) {
    if (w + 3 <= size.words) {
      cotangents_of_words<T, Weight, 3>(size, weights + w * size.kernel, dy,
                                        out + w);
      w += 3;
    }
  }
  for (; w < size.words; ++w)
    cotangents_of_words<T, Weight, 1>(size, weights + w * size.kernel, dy,
                                      out + w);
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
