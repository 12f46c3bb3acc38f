#pragma once

#include "sigtape/framework/cuda/launch.h"
#include "sigtape/layers/signature/signature_conv1d_kernels.h"

/// The products of a convolution with a piece of a stream of signatures, times
/// begin .. end - 1, which stands in memory while it is needed.
namespace sigtape::cuda {

/// A piece of the stream, or of its gradient: [paths, stride, S], path b at
/// time t in row b * stride + t - begin.
template <class T>
struct StreamPiece {
  T* rows;
  std::int64_t stride, begin, end;
};

/// Sizes of a call on some of a batch's paths.
struct ConvSizes {
  std::int64_t paths, words, outputs, kernel;
  std::int64_t rows;            // R
  std::int64_t dropped;         // points of a path less its rows
  const std::int64_t* lengths;  // of these paths, or null

  /// Rows of path b that read true points only.
  __device__ __forceinline__ std::int64_t own_rows(std::int64_t b) const {
    return lengths ? lengths[b] - dropped : rows;
  }
};

/// y [paths, R, O] = bias, 0 in rows that read padding.
template <class T>
void conv_start(CUstream_st* stream, const ConvSizes& sizes, const T* bias,
                T* y);

/// y += what the piece adds to it.
template <class T>
void conv_add(CUstream_st* stream, const ConvSizes& sizes,
              const StreamPiece<const T>& piece, const T* weight, T* y);

/// piece = the gradient of the stream.
template <class T>
void conv_back(CUstream_st* stream, const ConvSizes& sizes, const T* weight,
               const T* dy, const StreamPiece<T>& piece);

/// Blocks that share the paths in sums for the weight's gradient.
std::int64_t conv_groups(const ConvSizes& sizes);

/// parts [groups, O, S, K] = or += what the piece adds to the weight's
/// gradient.
template <class T>
void conv_weight(CUstream_st* stream, const ConvSizes& sizes,
                 const StreamPiece<const T>& piece, const T* dy,
                 std::int64_t groups, bool accumulate, T* parts);

/// sum [count] = the sum over `groups` parts.
template <class T>
void conv_sum_parts(CUstream_st* stream, const T* parts, std::int64_t groups,
                    std::int64_t count, T* sum);

/// dbias [O] from dy [paths, R, O] of all paths.
template <class T>
void conv_bias(CUstream_st* stream, const ConvSizes& sizes, const T* dy,
               T* dbias);

}  // namespace sigtape::cuda
