#pragma once

#include "sigtape/layers/signature/signature_kernels.h"

/// The signatures of a few paths of one increment dx: the exponential
///
///   S_1 = dx,  S_k = S_(k-1) (x) dx / k,
///
/// in less time than it takes to bring single paths into the lanes of vectors.
namespace sigtape::cpu {

/// Whether the functions below take the call: two points and nothing before or
/// after them, and few words in all.
bool is_small_increment(const SignatureShape& shape);

/// As the functions of signature_kernels.h, without memory of the caller's and
/// on one thread.
template <class T>
void increment_forward(const SignatureShape& shape, const T* path,
                       T* signature);
template <class T>
void increment_backward(const SignatureShape& shape, const T* path,
                        const T* dsignature, T* dpath);

}  // namespace sigtape::cpu
