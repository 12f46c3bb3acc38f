#pragma once

// The three products of a subtree's rows, as register tiles: words of the row
// by time steps by taps. A weight is a number, the same for all lanes, or a
// vector where lanes hold different subtrees.

#include "sigtape/framework/simd/vec.h"
#include "sigtape/layers/signature/signature_conv1d_plan.h"

namespace sigtape::SIGTAPE_ISA_NAME {

// Tiles that fit the 32 vector registers of AVX-512 and NEON or the 16 of
// others. kTimes divides the plan's kStepMultiple.
#if SIGTAPE_VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr bool kManyRegisters = true;
constexpr int kWords = 6;
#else
constexpr bool kManyRegisters = false;
constexpr int kWords = 3;
#endif
constexpr int kTaps = 4;
constexpr int kTimes = 3;
constexpr int kCotangentTimes = cpu::SignatureConv1dPlan::kCotangentSteps;

/// Outputs of a tile of K taps of the convolution.
constexpr int tile_outputs(int taps) {
  if (kManyRegisters || taps == 1) return 4;
  return taps == 2 ? 2 : 1;
}

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
/// the position of the first row and the last of the taps. A tile has a sum
/// for each position or, where it has so few that each would wait for itself,
/// for each step and tap.
template <class T, class Weight, int M, int K>
SIGTAPE_INLINE void add_windows(const ProductSizes& size, const Vec<T>* rows,
                                const Weight* weights, Vec<T>* y) {
  constexpr int kPositions = kTimes + K - 1;
  constexpr bool kShared = kManyRegisters && M > 1;
  Vec<T> sums[M][kShared ? kPositions : kTimes * K] = {};
  const std::int64_t next = size.row_words * size.kernel;
  for (std::int64_t w = 0; w < size.words; ++w) {
    Vec<T> s[kTimes];
#pragma GCC unroll 16
    for (int t = 0; t < kTimes; ++t) s[t] = rows[t * size.row_stride + w];
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 16
      for (int k = 0; k < K; ++k) {
        const Vec<T> c =
            in_register(spread<T>(weights[m * next + w * size.kernel + k]));
#pragma GCC unroll 16
        for (int t = 0; t < kTimes; ++t)
          sums[m][kShared ? t + K - 1 - k : t * K + k] += c * s[t];
      }
  }
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m)
#pragma GCC unroll 16
    for (int z = 0; z < kPositions; ++z) {
      Vec<T>& to = y[z * size.outputs + m];
      if constexpr (kShared) {
        to += sums[m][z];
      } else {
        Vec<T> sum = to;
#pragma GCC unroll 16
        for (int k = 0; k < K; ++k) {
          const int t = z - (K - 1) + k;
          if (t >= 0 && t < kTimes) sum += sums[m][t * K + k];
        }
        to = sum;
      }
    }
}

template <class T, class Weight, int K>
SIGTAPE_INLINE void add_windows_of_taps(const ProductSizes& size,
                                        const Vec<T>* rows,
                                        const Weight* weights, Vec<T>* y) {
  constexpr int kMany = tile_outputs(K);
  const std::int64_t next = size.row_words * size.kernel;
  std::int64_t o = 0;
  for (; o + kMany <= size.outputs; o += kMany)
    add_windows<T, Weight, kMany, K>(size, rows, weights + o * next, y + o);
  if constexpr (kMany > 2) {
    if (o + 2 <= size.outputs) {
      add_windows<T, Weight, 2, K>(size, rows, weights + o * next, y + o);
      o += 2;
    }
  }
  if constexpr (kMany > 1) {
    if (o < size.outputs)
      add_windows<T, Weight, 1, K>(size, rows, weights + o * next, y + o);
  }
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

/// One product of the weights' gradients: n rows with dy; `dy` stands at the
/// first row's position. Sums that are `fresh` start at zero.
template <class T>
struct GradientRows {
  const Vec<T>* rows;
  std::int64_t n;
  const Vec<T>* dy;
  bool fresh;
};

/// One step of `add_weight_gradients`, Z steps after a multiple of K: dy of
/// the last K steps stays in registers, and only the newest is loaded.
template <class T, int M, int O, int K, int Z>
SIGTAPE_INLINE void add_step(const ProductSizes& size, const Vec<T>* row,
                             const Vec<T>* dy, Vec<T> (&c)[O][K],
                             Vec<T> (&sums)[M][O][K]) {
#pragma GCC unroll 16
  for (int o = 0; o < O; ++o) c[o][Z] = dy[Z * size.outputs + o];
#pragma GCC unroll 16
  for (int m = 0; m < M; ++m) {
    const Vec<T> s = in_register(row[Z * size.row_stride + m]);
#pragma GCC unroll 16
    for (int o = 0; o < O; ++o)
#pragma GCC unroll 16
      for (int k = 0; k < K; ++k) sums[m][o][k] += s * c[o][(Z - k + K) % K];
  }
}

/// dW_k += rows[t] dy[t - k] for M words, O outputs and K taps.
template <class T, int M, int O, int K>
SIGTAPE_INLINE void add_weight_gradients(const ProductSizes& size,
                                         const GradientRows<T>& in,
                                         std::int64_t word, std::int64_t output,
                                         Vec<T>* dweights) {
  const std::int64_t next = size.row_words * size.kernel;
  const Vec<T>* row = in.rows + word;
  const Vec<T>* dy = in.dy + output;
  dweights += output * next + word * size.kernel;
  Vec<T> sums[M][O][K] = {}, c[O][K];
  if (!in.fresh) {
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 16
      for (int o = 0; o < O; ++o)
#pragma GCC unroll 16
        for (int k = 0; k < K; ++k)
          sums[m][o][k] = dweights[o * next + m * size.kernel + k];
  }
#pragma GCC unroll 16
  for (int o = 0; o < O; ++o)
#pragma GCC unroll 16
    for (int k = 1; k < K; ++k) c[o][K - k] = dy[o - k * size.outputs];
  std::int64_t left = in.n;
  for (; left >= K; left -= K) {
    add_step<T, M, O, K, 0>(size, row, dy, c, sums);
    if constexpr (K > 1) add_step<T, M, O, K, 1>(size, row, dy, c, sums);
    if constexpr (K > 2) add_step<T, M, O, K, 2>(size, row, dy, c, sums);
    if constexpr (K > 3) add_step<T, M, O, K, 3>(size, row, dy, c, sums);
    row += K * size.row_stride;
    dy += K * size.outputs;
  }
  if constexpr (K > 1) {
    if (left > 0) add_step<T, M, O, K, 0>(size, row, dy, c, sums);
  }
  if constexpr (K > 2) {
    if (left > 1) add_step<T, M, O, K, 1>(size, row, dy, c, sums);
  }
  if constexpr (K > 3) {
    if (left > 2) add_step<T, M, O, K, 2>(size, row, dy, c, sums);
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
                                              const GradientRows<T>& in,
                                              std::int64_t word,
                                              Vec<T>* dweights) {
  std::int64_t o = 0;
  for (; o + O <= size.outputs; o += O)
    add_weight_gradients<T, M, O, K>(size, in, word, o, dweights);
  for (; o < size.outputs; ++o)
    add_weight_gradients<T, M, 1, K>(size, in, word, o, dweights);
}

template <class T, int K>
SIGTAPE_INLINE void weight_gradients_of_taps(const ProductSizes& size,
                                             const GradientRows<T>& in,
                                             Vec<T>* dweights) {
  // Fewer taps leave registers to more outputs.
  constexpr int kMany = K >= 3 ? 1 : kTaps / K;
  constexpr int kSpan = kManyRegisters ? kWords : 2;
  std::int64_t w = 0;
  for (; w + kSpan <= size.words; w += kSpan)
    weight_gradients_of_words<T, kSpan, kMany, K>(size, in, w, dweights);
  for (; w < size.words; ++w)
    weight_gradients_of_words<T, 1, kManyRegisters ? 4 : 2, K>(size, in, w,
                                                               dweights);
}

/// Adds the weights' gradients, [O][word of the row][K].
template <class T>
void add_weight_gradients(const ProductSizes& size, GradientRows<T> in,
                          Vec<T>* dweights) {
  std::int64_t k = 0;
  for (; k + kTaps <= size.kernel; k += kTaps) {
    weight_gradients_of_taps<T, kTaps>(size, in, dweights + k);
    in.dy -= kTaps * size.outputs;
  }
  if (size.kernel - k == 3)
    weight_gradients_of_taps<T, 3>(size, in, dweights + k);
  if (size.kernel - k == 2)
    weight_gradients_of_taps<T, 2>(size, in, dweights + k);
  if (size.kernel - k == 1)
    weight_gradients_of_taps<T, 1>(size, in, dweights + k);
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
