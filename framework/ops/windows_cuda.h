#pragma once

#include "sigtape/framework/cuda/launch.h"

/// A stream's windows, and the weights on them, as the matrices of
/// gemm_tile_cuda.h. Rows are (batch, time), a window's elements (tap,
/// channel).
namespace sigtape::cuda {

/// Sizes of a convolution: see Conv1dShape.
struct WindowSizes {
  std::int64_t length, in, rows, out, kernel, stride, padding, dilation;
};

/// A (row, (tap, channel)) of x [batch, length, in], 0 outside of the stream.
template <class T>
struct Windows {
  static constexpr bool along_k = true;
  WindowSizes s;
  const T* x;
  __device__ T operator()(std::int64_t, std::int64_t row,
                          std::int64_t l) const {
    const unsigned b = unsigned(row) / unsigned(s.rows);
    const unsigned t = unsigned(row) % unsigned(s.rows);
    const unsigned tap = unsigned(l) / unsigned(s.in);
    const unsigned c = unsigned(l) % unsigned(s.in);
    const std::int64_t at = t * s.stride + tap * s.dilation - s.padding;
    if (at < 0 || at >= s.length) return 0;
    return x[(b * s.length + at) * s.in + c];
  }
};

/// The same as B: (row, (tap, channel)) with rows as k; one more column, `n`,
/// of ones where the bias' gradient is wanted.
template <class T>
struct WindowsOfRows {
  static constexpr bool along_k = false;
  Windows<T> windows;
  std::int64_t columns;
  __device__ T operator()(std::int64_t z, std::int64_t row,
                          std::int64_t l) const {
    return l < columns ? windows(z, row, l) : T{1};
  }
};

/// The windows [batch * rows, in, kernel], built: in a row the elements stand
/// as in one of weight [out, in, kernel].
template <class T>
struct BuildWindows {
  Windows<T> windows;
  T* to;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t tap = i % windows.s.kernel, rest = i / windows.s.kernel;
    const std::int64_t c = rest % windows.s.in, row = rest / windows.s.in;
    to[i] = windows(0, row, tap * windows.s.in + c);
  }
};

/// dx [batch, length, in] from the gradients of windows as BuildWindows has
/// them: for each point those of the windows that it is in, added tap by tap.
template <class T>
struct FoldWindows {
  WindowSizes s;
  const T* windows;
  T* dx;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t c = i % s.in, point = i / s.in;
    const std::int64_t b = point / s.length, p = point % s.length;
    T sum = 0;
    for (std::int64_t tap = 0; tap < s.kernel; ++tap) {
      const std::int64_t start = p + s.padding - tap * s.dilation;
      const std::int64_t t = start / s.stride;
      if (start < 0 || t * s.stride != start || t >= s.rows) continue;
      sum += windows[((b * s.rows + t) * s.in + c) * s.kernel + tap];
    }
    dx[i] = sum;
  }
};

/// y [rows, out] = bias [out], or 0.
template <class T>
struct FillRows {
  std::int64_t out;
  const T* bias;
  T* y;
  __device__ void operator()(std::int64_t i) const {
    y[i] = bias ? bias[i % out] : T{0};
  }
};

/// B ((tap, channel), o) of weight [out, in, kernel].
template <class T>
struct WindowWeights {
  static constexpr bool along_k = false;
  WindowSizes s;
  const T* weight;
  __device__ T operator()(std::int64_t, std::int64_t l, std::int64_t o) const {
    const std::int64_t tap = l / s.in, c = l % s.in;
    return weight[(o * s.in + c) * s.kernel + tap];
  }
};

/// A ((batch, point), (tap, o)) of dy [batch, rows, out by step]: what reached
/// a point of x through a tap; 0 where no window has it there.
template <class T>
struct Cotangents {
  static constexpr bool along_k = true;
  WindowSizes s;
  const T* dy;
  std::int64_t step;  // from row to row of dy
  __device__ T operator()(std::int64_t, std::int64_t point,
                          std::int64_t l) const {
    const unsigned b = unsigned(point) / unsigned(s.length);
    const unsigned p = unsigned(point) % unsigned(s.length);
    const unsigned tap = unsigned(l) / unsigned(s.out);
    const unsigned o = unsigned(l) % unsigned(s.out);
    const std::int64_t start = p + s.padding - tap * s.dilation;
    const std::int64_t t = start / s.stride;
    if (start < 0 || t * s.stride != start || t >= s.rows) return 0;
    return dy[(b * s.rows + t) * step + o];
  }
};

/// B ((tap, o), channel) of weight [out, in, kernel].
template <class T>
struct CotangentWeights {
  static constexpr bool along_k = false;
  WindowSizes s;
  const T* weight;
  __device__ T operator()(std::int64_t, std::int64_t l, std::int64_t c) const {
    const std::int64_t tap = l / s.out, o = l % s.out;
    return weight[(o * s.in + c) * s.kernel + tap];
  }
};

/// A (o, row) of dy [rows, out by step].
template <class T>
struct CotangentRows {
  static constexpr bool along_k = false;
  const T* dy;
  std::int64_t step;
  __device__ T operator()(std::int64_t, std::int64_t o,
                          std::int64_t row) const {
    return dy[row * step + o];
  }
};

/// C (o, (tap, channel)) into dweight [out, in, kernel]; the column after the
/// last into dbias [out]. Each where it is not null.
template <class T>
struct StoreWeights {
  WindowSizes s;
  T *dweight, *dbias;
  __device__ void operator()(std::int64_t, std::int64_t o, std::int64_t l,
                             T value) const {
    const std::int64_t tap = l / s.in, c = l % s.in;
    if (tap == s.kernel) {
      dbias[o] = value;
    } else if (dweight) {
      dweight[(o * s.in + c) * s.kernel + tap] = value;
    }
  }
};

/// C (row, o) into rows of `to`, `step` apart: value + bias, at least 0 with
/// relu; only where `mask` [rows, step] is positive, if there is one, and added
/// to what is there with `accumulate`.
template <class T>
struct StoreRows {
  T* to;
  std::int64_t step;
  const T* bias = nullptr;
  const T* mask = nullptr;
  bool relu = false;
  bool accumulate = false;
  __device__ void operator()(std::int64_t, std::int64_t row, std::int64_t o,
                             T value) const {
    T& out = to[row * step + o];
    if (bias) value += bias[o];
    if (relu && value < 0) value = 0;
    if (mask && !(mask[row * step + o] > 0)) value = 0;
    out = accumulate ? out + value : value;
  }
};

}  // namespace sigtape::cuda
