#pragma once

#include <cstdint>

#include "sigtape/framework/simd/isa_list.h"

// Shared with sources compiled per instruction set: plain types only.

namespace sigtape {

/// One layer of a network that acts on every point of a stream, in planes: a
/// plane is one channel of neighbouring points. Row r = c taps + k of the
/// layer's input is plane c of x from its point k on.
template <class T>
struct PlaneLayer {
  std::int64_t in = 0, taps = 1, out = 0;
  /// Points of y, a multiple of the lanes.
  std::int64_t count = 0;
  const T* weight = nullptr;  // [in taps, out]
  const T* bias = nullptr;    // [out], or null
  const T* x = nullptr;       // planes [in], x_step apart
  std::int64_t x_step = 0;
  T* y = nullptr;  // planes [out], y_step apart
  std::int64_t y_step = 0;
  /// y is made max(y, 0).
  bool relu = false;
  /// Planes gate_step apart, or null: y is made 0 where the gate is not above
  /// 0.
  const T* gate = nullptr;
  std::int64_t gate_step = 0;
};

/// Products of cotangents and inputs of such a layer, summed over points into
/// one vector for each weight.
template <class T>
struct PlaneProducts {
  std::int64_t in = 0, taps = 1, out = 0, count = 0;
  const T* dy = nullptr;  // planes [out], dy_step apart
  std::int64_t dy_step = 0;
  const T* x = nullptr;  // planes [in], x_step apart
  std::int64_t x_step = 0;
  T* sums = nullptr;       // [out, in taps, lanes], added to
  T* bias_sums = nullptr;  // [out, lanes], added to
};

/// `count` points of `channels` numbers each, `step` apart. Planes made of
/// them hold max(x, 0) where `relu`, and zeros from `count` to `filled`; up to
/// a vector more is overwritten.
template <class T>
struct PointRows {
  std::int64_t count = 0, channels = 0, step = 0;
  std::int64_t filled = 0;
  bool relu = false;
};

/// The kernels of one instruction set, on the calling thread.
template <class T>
struct StreamNetKernels {
  int lanes;
  /// y = weight^T rows + bias, then relu or gate.
  void (*layer)(const PlaneLayer<T>& layer);
  void (*products)(const PlaneProducts<T>& products);
  /// planes[c * plane_step + t] = x[t * step + c]. Numbers up to `end` may be
  /// read.
  void (*to_planes)(const PointRows<T>& rows, const T* x, const T* end,
                    T* planes, std::int64_t plane_step);
  /// y[t * channels + c] = planes[c][t].
  void (*from_planes)(const PointRows<T>& rows, const T* const* planes, T* y);
  /// totals[i] = the sum of the lanes of vector i of `count`.
  void (*add_lanes)(std::int64_t count, const T* vectors, T* totals);
};

}  // namespace sigtape

#define SIGTAPE_DECLARE_TABLE(isa)                          \
  namespace sigtape::isa {                                  \
  extern const StreamNetKernels<float> stream_net_float32;  \
  extern const StreamNetKernels<double> stream_net_float64; \
  }
SIGTAPE_FOR_EACH_ISA(SIGTAPE_DECLARE_TABLE)
#undef SIGTAPE_DECLARE_TABLE
