#pragma once

#include <cstddef>
#include <cstdint>

#include "sigtape/layers/signature/signature_words_cuda.h"

/// Signatures of any number of channels and any depth, streams too, on a GPU.
///
/// A thread holds one word p of level N - 1 with all prefixes of p, its chain,
/// in registers; that is all it needs to walk in time, so threads wait for
/// nobody in a forward pass. The d words below p stand in memory and are
/// brought up to date once for a block of increments. A word of a lower level
/// is in many chains; the first of them stores it.
///
/// Backward is linear in the adjoint, so every thread keeps an adjoint of its
/// own for its chain (the cotangent of a lower word starts in the chain that
/// stores it), and only the increments' gradients are summed over threads:
/// through shared memory, in a fixed order.
namespace sigtape::cuda {

/// Increments between two stored signatures of lower levels.
constexpr int kChainInterval = 32;

/// The deepest signatures of more than one channel that memory could hold.
constexpr int kMaxChainDepth = 32;

/// What a walk reads and where it stands. A walk over a part of the increments
/// starts from the row `start`.
template <class T>
struct ChainWalk {
  const T* increments;  // [B, T, d]
  std::int64_t batch, count;
  std::int64_t channels;
  int depth;
  std::int64_t begin, end;  // of the increments to walk; begin % 8 == 0
};

/// Writes increments as [B, T, d].
template <class T>
void write_increments(CUstream_st* stream, std::int64_t batch,
                      const Increments<T>& from, T* to);

/// Rows for the increments begin .. end - 1, or only one for the last.
template <class T>
struct ChainForward {
  ChainWalk<T> walk;
  RowFormat format;
  const T* start;  // [B, start_stride], in the format of rows; null: the one
  std::int64_t start_stride;
  T* rows;                 // row t of path b at (b * row_count + t - begin)
  std::int64_t row_count;  // of a path: rows in the array, 1 without stream
  bool stream;
  T* saved;  // [B, ceil(T / interval), words of levels < N], or null
};
template <class T>
void chain_forward(CUstream_st* stream, const ChainForward<T>& call);

/// Adjoints between walks over parts of the increments, from the last to the
/// first: of the words below a chain, and the chains' own.
template <class T>
struct ChainState {
  T* top;    // [B, d^N]
  T* chain;  // [B, d^(N-1), N-1]
};

template <class T>
struct ChainBackward {
  ChainWalk<T> walk;
  RowFormat format;
  const T* saved;
  const T* drows;  // as rows of ChainForward
  std::int64_t row_count;
  bool stream;
  bool resume;  // whether `state` holds adjoints; else they start from nothing
  ChainState<T> state;
  const std::int64_t* lengths;
  int based;
  std::int64_t slices;
  T* parts;  // [slices, B, T, d], gradients of increments, to be summed
};
template <class T>
void chain_backward(CUstream_st* stream, const ChainBackward<T>& call);

/// Blocks that share the prefixes of a path in a backward pass on numbers of
/// `number_bytes`.
std::int64_t chain_slices(std::int64_t batch, std::int64_t channels, int depth,
                          std::size_t number_bytes);

/// dpath and dbasepoint from the gradients of increments in `slices` parts.
template <class T>
void finish_gradients(CUstream_st* stream, const SignatureShape& shape,
                      const SignatureGradients<T>& gradients, const T* parts,
                      std::int64_t slices);

/// dinitial [B, S]: the words of level N from `top`, those below summed over
/// chains of `links` words, [B, d^links, links] in front of `links` levels;
/// levels in between are left alone.
template <class T>
void initial_gradients(CUstream_st* stream, const SignatureShape& shape,
                       const T* top, const T* chains, int links, T* dinitial);

}  // namespace sigtape::cuda
