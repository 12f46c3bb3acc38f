#pragma once

#include <cstddef>
#include <cstdint>

#include "sigtape/framework/dispatch.h"

/// The truncated signature and its derivative on raw arrays.
///
/// Of a path x with increments dx_1 .. dx_T in R^d the signature of depth N is
/// the product exp(dx_1) (x) .. (x) exp(dx_T) in the tensor algebra cut off
/// after level N; its implicit level 0 is 1. Words (i1..ik) are ordered by
/// length, then lexicographically; i1 is the earliest letter in time. It is
/// multiplied up by Horner's scheme (Kidger and Lyons, "Signatory", 2021):
///
///   S_n += ((S_1 + dx/n) (x) dx/(n-1) + S_2) (x) dx/(n-2) + ... ) (x) dx.
///
/// Array shapes below: B batch, L length, d channels, T increments,
/// R rows of the result, S columns of the result.
namespace sigtape {

/// Where a path starts. `none`: at its first point, so L points make L - 1
/// increments. The others put one point before the first: the origin, one
/// point for all paths, or one for each path.
enum class BasepointKind { none, zero, shared, per_path };

/// Sizes and flags of one call: everything that decides how much memory it
/// takes and how its work is cut.
struct SignatureShape {
  std::int64_t batch = 0;
  std::int64_t length = 0;
  std::int64_t channels = 0;
  int depth = 0;
  /// One result for each increment (the signatures of the path up to there)
  /// in place of the last one only.
  bool stream = false;
  /// The group inverse of the result; `initial` then stands on the right.
  bool inverse = false;
  /// A constant 1 before the first word.
  bool scalar_term = false;
  BasepointKind basepoint = BasepointKind::none;
  /// Whether the result is initial (x) signature (inverse: signature^-1 (x)
  /// initial).
  bool initial = false;
  /// Whether paths have lengths of their own.
  bool lengths = false;

  /// T: length - 1, or length with a basepoint.
  std::int64_t increments() const {
    return length - (basepoint == BasepointKind::none ? 1 : 0);
  }
  /// R: results of one path.
  std::int64_t rows() const { return stream ? increments() : 1; }
  /// Words of all levels, without the scalar term. The caller has made sure
  /// that it is representable (signature_channels throws where it is not).
  std::int64_t words() const;
  /// S: columns of a result, the scalar term included.
  std::int64_t columns() const { return words() + (scalar_term ? 1 : 0); }
};

/// What a signature is computed from.
template <class T>
struct SignatureInputs {
  /// [B, L, d]
  const T* path = nullptr;
  /// [d] where the basepoint is shared, [B, d] where it is per path; not read
  /// otherwise.
  const T* basepoint = nullptr;
  /// [B, S] where shape.initial; a scalar term in it is taken to be 1.
  const T* initial = nullptr;
  /// [B] where shape.lengths: the number of true points of each path, 1 to L.
  /// Later points are never used: they count as repeats of the last true one,
  /// stream results after it repeat the last, and their gradient is exactly 0.
  const std::int64_t* lengths = nullptr;
};

/// Gradients with respect to the inputs; all are overwritten, null ones are
/// not computed.
template <class T>
struct SignatureGradients {
  /// [B, L, d]
  T* path = nullptr;
  /// [d] or [B, d] like the basepoint; only where it is shared or per path.
  T* basepoint = nullptr;
  /// [B, S], 0 in the scalar term; only where shape.initial.
  T* initial = nullptr;
};

namespace cpu {

/// Bytes that `signature_forward` saves for `signature_backward`: signatures
/// of levels below the depth at a few times of the path, never one for each
/// increment.
template <class T>
std::size_t signature_saved_bytes(const SignatureShape& shape);

/// Bytes of scratch memory that either call needs, undefined before and after.
template <class T>
std::size_t signature_workspace_bytes(const SignatureShape& shape);

/// Writes the signature, [B, R, S]. `saved` may be null where no backward
/// follows. All memory is the caller's, aligned to 64 bytes where it is
/// `saved` or `workspace`; nothing is allocated. The result is the same for
/// any number of threads. Runs the kernels of `active_isa()`, which must stay
/// the same up to the matching backward.
template <class T>
void signature_forward(const SignatureShape& shape,
                       const SignatureInputs<T>& inputs, T* signature,
                       void* saved, void* workspace);

/// Writes the gradients of sum(dsignature * signature), where dsignature is
/// [B, R, S]. `saved` is what `signature_forward` left there for the same
/// shape and inputs; it is only read.
template <class T>
void signature_backward(const SignatureShape& shape,
                        const SignatureInputs<T>& inputs, const void* saved,
                        const T* dsignature,
                        const SignatureGradients<T>& gradients,
                        void* workspace);

/// The plain implementation, the mark that every fast kernel is checked
/// against: the same contracts, one path at a time, and nothing saved.
namespace reference {

template <class T>
std::size_t signature_workspace_bytes(const SignatureShape& shape);

template <class T>
void signature_forward(const SignatureShape& shape,
                       const SignatureInputs<T>& inputs, T* signature,
                       void* workspace);

template <class T>
void signature_backward(const SignatureShape& shape,
                        const SignatureInputs<T>& inputs, const T* dsignature,
                        const SignatureGradients<T>& gradients,
                        void* workspace);

}  // namespace reference
}  // namespace cpu

/// The same functions by device. On a GPU all pointers are to its memory, and
/// the kernels take scratch memory themselves.
template <class T>
std::size_t signature_saved_bytes(Cpu, const SignatureShape& shape) {
  return cpu::signature_saved_bytes<T>(shape);
}
template <class T>
std::size_t signature_workspace_bytes(Cpu, const SignatureShape& shape) {
  return cpu::signature_workspace_bytes<T>(shape);
}
template <class T>
void signature_forward(Cpu, const SignatureShape& shape,
                       const SignatureInputs<T>& inputs, T* signature,
                       void* saved, void* workspace) {
  cpu::signature_forward(shape, inputs, signature, saved, workspace);
}
template <class T>
void signature_backward(Cpu, const SignatureShape& shape,
                        const SignatureInputs<T>& inputs, const void* saved,
                        const T* dsignature,
                        const SignatureGradients<T>& gradients,
                        void* workspace) {
  cpu::signature_backward(shape, inputs, saved, dsignature, gradients,
                          workspace);
}

/// Throws UsageError for sizes that no kernel takes: one channel to a depth
/// beyond 32.
template <class T>
std::size_t signature_saved_bytes(Cuda, const SignatureShape& shape);
template <class T>
std::size_t signature_workspace_bytes(Cuda, const SignatureShape&) {
  return 0;
}
template <class T>
void signature_forward(Cuda, const SignatureShape& shape,
                       const SignatureInputs<T>& inputs, T* signature,
                       void* saved, void* workspace);
template <class T>
void signature_backward(Cuda, const SignatureShape& shape,
                        const SignatureInputs<T>& inputs, const void* saved,
                        const T* dsignature,
                        const SignatureGradients<T>& gradients,
                        void* workspace);

}  // namespace sigtape
