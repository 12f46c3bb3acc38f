#pragma once

#include "sigtape/layers/signature/signature_kernels.h"

/// The adjoint of signatures of depth 2, which needs no walk through time.
///
/// With a cotangent g of level 1 and G of level 2, the increment from y_(k-1)
/// to y_k, their mean m_k, the first point y_0 and the last y_T,
///
///   d/d dx_k = g + G' (m_k - y_0) + G (y_T - m_k)         (G': transposed),
///
/// so a point between two others gets
///
///   d/d y_k = (G' - G) (y_(k-1) - y_(k+1)) / 2,
///
/// one product with a matrix for each path, the cotangent of its Levy areas
/// (Levin, Lyons and Ni, "Learning from the past", 2013, on what level 2 is).
namespace sigtape::cpu {

/// Whether `signature_depth2_backward` takes the call: depth 2, the whole
/// path's signature, and not too many channels.
bool has_depth2_backward(const SignatureShape& shape);

/// As `signature_backward`, but nothing saved is needed. `basepoints`, [B, d],
/// takes the gradients of each path's basepoint where it is not null. The
/// result does not depend on the number of threads.
template <class T>
void signature_depth2_backward(const SignatureShape& shape,
                               const SignatureInputs<T>& inputs,
                               const T* dsignature,
                               const SignatureGradients<T>& gradients,
                               T* basepoints);

}  // namespace sigtape::cpu
