#pragma once

#include <cstdint>

#include "sigtape/framework/cuda/launch.h"
#include "sigtape/framework/divide_up.h"
#include "sigtape/layers/signature/signature_kernels.h"

/// What all kernels of signatures on a GPU read and write: increments of
/// paths, and rows of words in the order of results.
namespace sigtape::cuda {

/// d^k.
template <class I>
__host__ __device__ constexpr I power(I d, int k) {
  I p = 1;
  for (int j = 0; j < k; ++j) p *= d;
  return p;
}

/// Words of the levels 1 to n.
template <class I>
__host__ __device__ constexpr I words_to(I d, int n) {
  I sum = 0, p = 1;
  for (int k = 1; k <= n; ++k) sum += p *= d;
  return sum;
}

/// The first word of level k among the levels 1, 2, ...
template <class I>
__host__ __device__ constexpr I first_word(I d, int k) {
  return words_to(d, k - 1);
}

/// The word of k letters spelt backwards.
template <class I>
__host__ __device__ constexpr I reversed(I word, I d, int k) {
  I result = 0;
  for (int j = 0; j < k; ++j) {
    result = result * d + word % d;
    word /= d;
  }
  return result;
}

/// Blocks of `threads` for `items` threads.
inline dim3 blocks_of(std::int64_t items, int threads) {
  return dim3(static_cast<unsigned>(divide_up(items, threads)));
}

/// The paths of a batch, as increments.
template <class T>
struct Increments {
  const T* path;                // [B, L, d]
  const T* basepoint;           // [d] or [B, d]
  const std::int64_t* lengths;  // [B] or null
  std::int64_t length, count;   // L, T
  std::int64_t channels;
  std::int64_t basepoint_stride;  // of a path's basepoint: d or 0
  int based;                      // 1 where a basepoint precedes the path

  /// Increments of path b that are not past its end.
  __device__ __forceinline__ std::int64_t true_count(std::int64_t b) const {
    return lengths ? lengths[b] - 1 + based : count;
  }

  /// Channel i of increment t of path b; 0 past its end.
  __device__ __forceinline__ T at(std::int64_t b, std::int64_t t,
                                  std::int64_t i) const {
    if (t >= true_count(b)) return T(0);
    const T* to = path + (b * length + t + 1 - based) * channels + i;
    if (t >= based) return to[0] - to[-channels];
    return to[0] - (basepoint ? basepoint[b * basepoint_stride + i] : T(0));
  }
};

template <class T>
Increments<T> increments_of(const SignatureShape& shape,
                            const SignatureInputs<T>& inputs) {
  const bool own = shape.basepoint == BasepointKind::per_path;
  const bool given = own || shape.basepoint == BasepointKind::shared;
  return {inputs.path,
          given ? inputs.basepoint : nullptr,
          shape.lengths ? inputs.lengths : nullptr,
          shape.length,
          shape.increments(),
          shape.channels,
          own ? shape.channels : 0,
          shape.basepoint == BasepointKind::none ? 0 : 1};
}

/// Where words stand in a row of a result: after its scalar term, and under
/// the antipode, which spells words backwards and multiplies them by
/// (-1)^length, for an inverse.
struct RowFormat {
  std::int64_t columns;
  int scalar_term;
  bool inverse;
};

inline RowFormat row_format(const SignatureShape& shape) {
  return {shape.columns(), shape.scalar_term ? 1 : 0, shape.inverse};
}

}  // namespace sigtape::cuda
