#pragma once

#include "sigtape/framework/dispatch.h"

namespace sigtape {

/// Sizes of one call. All arrays below are contiguous: x, dx [batch, length,
/// in]; y, dy [batch, rows, out]; weight, dweight [out, in, kernel]; bias
/// [out]. Row t of y reads x at t stride + k dilation - padding for each tap
/// k, and zeros outside.
struct Conv1dShape {
  std::int64_t batch = 0, length = 0, in = 0;
  std::int64_t rows = 0, out = 0;
  std::int64_t kernel = 1, stride = 1, padding = 0, dilation = 1;
};

/// y, overwritten; bias may be null.
template <class T>
void conv1d_forward(Cpu, const Conv1dShape& s, const T* x, const T* weight,
                    const T* bias, T* y);

/// dx, overwritten.
template <class T>
void conv1d_input_gradient(Cpu, const Conv1dShape& s, const T* dy,
                           const T* weight, T* dx);

/// dweight, overwritten.
template <class T>
void conv1d_weight_gradient(Cpu, const Conv1dShape& s, const T* dy, const T* x,
                            T* dweight);

/// The same on a GPU.
template <class T>
void conv1d_forward(Cuda, const Conv1dShape& s, const T* x, const T* weight,
                    const T* bias, T* y);
template <class T>
void conv1d_input_gradient(Cuda, const Conv1dShape& s, const T* dy,
                           const T* weight, T* dx);
template <class T>
void conv1d_weight_gradient(Cuda, const Conv1dShape& s, const T* dy, const T* x,
                            T* dweight);

}  // namespace sigtape
