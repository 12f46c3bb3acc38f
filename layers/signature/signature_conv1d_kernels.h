#pragma once

#include <cstddef>
#include <cstdint>

#include "sigtape/layers/signature/signature_kernels.h"

/// The convolution of a stream of signatures, without the stream, on raw
/// arrays: of a path x with signatures S_t of its first t + 1 increments
/// (signature_kernels.h)
///
///   y_r = bias + sum_{k < K} W_k S_{r + k},   r = 0 .. R - 1.
///
/// Array shapes below: B batch, L length, d channels, T increments, S words
/// of levels 1 to N, O outputs, K taps of the kernel, R = T - K + 1 rows.
namespace sigtape {

/// Sizes of one call: everything that decides how its work is cut.
struct SignatureConv1dShape {
  std::int64_t batch = 0;
  std::int64_t length = 0;
  std::int64_t channels = 0;
  int depth = 0;
  std::int64_t kernel = 0;
  std::int64_t outputs = 0;
  /// none, zero or shared.
  BasepointKind basepoint = BasepointKind::none;

  /// T: length - 1, or length with a basepoint.
  std::int64_t increments() const {
    return length - (basepoint == BasepointKind::none ? 1 : 0);
  }
  /// R, at least 1.
  std::int64_t rows() const { return increments() - kernel + 1; }
  /// S; the caller has made sure that it is representable.
  std::int64_t words() const;
};

template <class T>
struct SignatureConv1dInputs {
  /// [B, L, d]
  const T* path = nullptr;
  /// [d] where the basepoint is shared.
  const T* basepoint = nullptr;
  /// [B], or null where all paths have L points: the number of true points of
  /// each path, enough for one row. Rows that would read later points are 0
  /// and carry no gradient; the gradient of later points is exactly 0.
  const std::int64_t* lengths = nullptr;
  /// [O, S, K]
  const T* weight = nullptr;
  /// [O], or null.
  const T* bias = nullptr;
};

/// Gradients with respect to the inputs, all overwritten.
template <class T>
struct SignatureConv1dGradients {
  T* path = nullptr;    ///< [B, L, d]
  T* weight = nullptr;  ///< [O, S, K]
  T* bias = nullptr;    ///< [O]
};

namespace cpu {

/// The deepest signatures that these kernels take.
constexpr int kMaxSignatureConv1dDepth = 32;

/// Bytes of scratch memory that each call needs, undefined before and after:
/// of the size of path and result, and some rows of words, never B T S.
template <class T>
std::size_t signature_conv1d_forward_bytes(const SignatureConv1dShape& shape);
template <class T>
std::size_t signature_conv1d_backward_bytes(const SignatureConv1dShape& shape);

/// Writes y, [B, R, O]. The workspace is aligned to 64 bytes; nothing is
/// allocated. The same bits for any number of threads. Numbers too small to be
/// normal count as zero, here and in backward.
template <class T>
void signature_conv1d_forward(const SignatureConv1dShape& shape,
                              const SignatureConv1dInputs<T>& inputs, T* y,
                              void* workspace);

/// Writes the gradients of sum(dy * y), dy [B, R, O]. Needs nothing of the
/// forward pass: the signatures are walked again, which costs less than a
/// hundredth of the products with them.
template <class T>
void signature_conv1d_backward(const SignatureConv1dShape& shape,
                               const SignatureConv1dInputs<T>& inputs,
                               const T* dy,
                               const SignatureConv1dGradients<T>& gradients,
                               void* workspace);

}  // namespace cpu

/// The same functions by device. On a GPU the kernels take scratch memory
/// themselves.
template <class T>
std::size_t signature_conv1d_forward_bytes(Cpu,
                                           const SignatureConv1dShape& shape) {
  return cpu::signature_conv1d_forward_bytes<T>(shape);
}
template <class T>
std::size_t signature_conv1d_backward_bytes(Cpu,
                                            const SignatureConv1dShape& shape) {
  return cpu::signature_conv1d_backward_bytes<T>(shape);
}
template <class T>
std::size_t signature_conv1d_forward_bytes(Cuda, const SignatureConv1dShape&) {
  return 0;
}
template <class T>
std::size_t signature_conv1d_backward_bytes(Cuda, const SignatureConv1dShape&) {
  return 0;
}
template <class T>
void signature_conv1d_forward(Cpu, const SignatureConv1dShape& shape,
                              const SignatureConv1dInputs<T>& inputs, T* y,
                              void* workspace) {
  cpu::signature_conv1d_forward(shape, inputs, y, workspace);
}
template <class T>
void signature_conv1d_backward(Cpu, const SignatureConv1dShape& shape,
                               const SignatureConv1dInputs<T>& inputs,
                               const T* dy,
                               const SignatureConv1dGradients<T>& gradients,
                               void* workspace) {
  cpu::signature_conv1d_backward(shape, inputs, dy, gradients, workspace);
}
template <class T>
void signature_conv1d_forward(Cuda, const SignatureConv1dShape& shape,
                              const SignatureConv1dInputs<T>& inputs, T* y,
                              void* workspace);
template <class T>
void signature_conv1d_backward(Cuda, const SignatureConv1dShape& shape,
                               const SignatureConv1dInputs<T>& inputs,
                               const T* dy,
                               const SignatureConv1dGradients<T>& gradients,
                               void* workspace);

}  // namespace sigtape
