#pragma once

#include <cstddef>

#include "sigtape/layers/signature/signature_kernels.h"

/// Second derivatives of the signature on raw arrays.
///
/// With z = (path, basepoint, initial), a cotangent g of the signature and a
/// direction v of z, f(z) = <g, S(z)>, everything that the backward pass of
/// S's backward pass needs is
///
///   S'(z) v    and    f''(z) v,
///
/// the derivatives along v of the signature and, f'' being symmetric, of its
/// gradient. Both come from the plain walk there and back over numbers
/// a + e b, e^2 = 0, for z + e v (Pearlmutter 1994, "Fast exact multiplication
/// by the Hessian"): exact, in the memory and about twice the work of the
/// first derivatives.
///
/// Lanes hold the words that begin with one letter: they are multiplied up
/// without any other, so that a single path fills d lanes.
namespace sigtape {

/// A direction: like the inputs, null where it is 0.
template <class T>
struct SignatureDirection {
  const T* path = nullptr;       ///< [B, L, d]
  const T* basepoint = nullptr;  ///< [B, d]; only where it is per path
  const T* initial = nullptr;    ///< [B, S]; a scalar term is taken to be 0
};

/// Results, all overwritten; null ones are not computed.
template <class T>
struct SignatureSecond {
  /// S'(z) v, [B, R, S]; 0 in the scalar term.
  T* signature = nullptr;
  /// f''(z) v: [B, L, d], [B, d] (only where the basepoint is per path) and
  /// [B, S] (0 in the scalar term).
  T* path = nullptr;
  T* basepoint = nullptr;
  T* initial = nullptr;

  bool wants_gradient() const { return path || basepoint || initial; }
};

namespace cpu {

/// Bytes of scratch memory.
template <class T>
std::size_t signature_second_bytes(const SignatureShape& shape);

/// Writes `result`. dsignature, g, is [B, R, S]; it is not read where no
/// gradient is wanted. `workspace` is aligned to 64 bytes. The result is the
/// same for any number of threads. Runs the kernels of `active_isa()`.
template <class T>
void signature_second(const SignatureShape& shape,
                      const SignatureInputs<T>& inputs,
                      const SignatureDirection<T>& direction,
                      const T* dsignature, const SignatureSecond<T>& result,
                      void* workspace);

}  // namespace cpu

/// The same by device. On a GPU the kernels take scratch memory themselves;
/// throws UsageError for a depth beyond 28.
template <class T>
std::size_t signature_second_bytes(Cpu, const SignatureShape& shape) {
  return cpu::signature_second_bytes<T>(shape);
}
template <class T>
std::size_t signature_second_bytes(Cuda, const SignatureShape&) {
  return 0;
}
template <class T>
void signature_second(Cpu, const SignatureShape& shape,
                      const SignatureInputs<T>& inputs,
                      const SignatureDirection<T>& direction,
                      const T* dsignature, const SignatureSecond<T>& result,
                      void* workspace) {
  cpu::signature_second(shape, inputs, direction, dsignature, result,
                        workspace);
}
template <class T>
void signature_second(Cuda, const SignatureShape& shape,
                      const SignatureInputs<T>& inputs,
                      const SignatureDirection<T>& direction,
                      const T* dsignature, const SignatureSecond<T>& result,
                      void* workspace);

}  // namespace sigtape
