#pragma once

#include "sigtape/framework/dispatch.h"

namespace sigtape {

/// Sizes and inputs; all arrays are contiguous.
template <class T>
struct LayerNormInputs {
  std::int64_t rows = 0, size = 0;
  const T* a = nullptr;       // [rows, size]
  const T* weight = nullptr;  // [size], or null: 1
  const T* bias = nullptr;    // [size], or null: 0
};

/// y [rows, size], and for backward mean [rows] and rstd [rows], the
/// reciprocal of sqrt(variance + eps).
template <class T>
void layer_norm_forward(Cpu, const LayerNormInputs<T>& in, double eps, T* y,
                        T* mean, T* rstd);

/// With n = (a - mean) rstd and h = dy weight:
///   da = rstd (h - mean(h) - n mean(h n)), dweight = sum dy n, dbias = sum dy.
/// All are overwritten, null ones are not computed.
template <class T>
void layer_norm_backward(Cpu, const LayerNormInputs<T>& in, const T* dy,
                         const T* mean, const T* rstd, T* da, T* dweight,
                         T* dbias);

/// The same on a GPU.
template <class T>
void layer_norm_forward(Cuda, const LayerNormInputs<T>& in, double eps, T* y,
                        T* mean, T* rstd);
template <class T>
void layer_norm_backward(Cuda, const LayerNormInputs<T>& in, const T* dy,
                         const T* mean, const T* rstd, T* da, T* dweight,
                         T* dbias);

}  // namespace sigtape
