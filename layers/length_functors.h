#pragma once

#include "sigtape/framework/host_device.h"
#include "sigtape/layers/length_kernels.h"

/// One element of each kernel of length_kernels.h, for both devices.
namespace sigtape {

SIGTAPE_HOST_DEVICE inline std::int64_t mapped(const LengthMap& m,
                                               std::int64_t n) {
  return (m.times * n + m.add) / m.divide + m.plus;
}

struct MapLength {
  LengthMap map;
  const std::int64_t* from;
  std::int64_t* to;
  SIGTAPE_HOST_DEVICE void operator()(std::int64_t i) const {
    to[i] = mapped(map, from[i]);
  }
};

struct MarkPoint {
  std::int64_t length;
  const std::int64_t* lengths;
  std::int64_t* mask;
  SIGTAPE_HOST_DEVICE void operator()(std::int64_t i) const {
    mask[i] = i % length < lengths[i / length] ? 1 : 0;
  }
};

template <class T>
struct TimeOfPoint {
  std::int64_t length;
  const std::int64_t* lengths;
  T* time;
  SIGTAPE_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t last = (lengths ? lengths[i / length] : length) - 1;
    const std::int64_t t = i % length, step = t < last ? t : last;
    time[i] = static_cast<T>(static_cast<double>(step) /
                             static_cast<double>(last > 1 ? last : 1));
  }
};

struct IndexPoint {
  PointIndex s;
  const std::int64_t* lengths;
  std::int64_t* index;
  SIGTAPE_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t j = i % s.points;
    const std::int64_t own = lengths ? lengths[i / s.points] : s.length;
    const bool skips = mapped(s.outputs, own) == own - s.skip;
    const std::int64_t at = skips ? s.skip + j : s.start + j * s.stride;
    index[i] = at < 0 ? 0 : at < own ? at : own - 1;
  }
};

struct IndexStep {
  PointSteps s;
  const std::int64_t* lengths;
  std::int64_t* index;
  SIGTAPE_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t at = (s.first + i % s.points) / s.divide;
    const std::int64_t last = lengths[i / s.points] - 1;
    index[i] = at < last ? at : last;
  }
};

struct IndexUnfolded {
  std::int64_t points, stride;
  std::int64_t* index;
  SIGTAPE_HOST_DEVICE void operator()(std::int64_t i) const {
    index[i] = i / points * stride + i % points;
  }
};

template <class T>
struct LastKnown {
  StreamSizes s;
  const std::int64_t* lengths;
  const T* x;
  std::int64_t* index;
  // One channel of one stream; false where it has no number.
  SIGTAPE_HOST_DEVICE bool operator()(std::int64_t column) const {
    const std::int64_t b = column / s.channels, c = column % s.channels;
    const std::int64_t points = lengths ? lengths[b] : s.length;
    const T* from = x + b * s.length * s.channels + c;
    std::int64_t* to = index + b * s.length * s.channels + c;
    std::int64_t known = 0;
    while (known < points && is_missing(from[known * s.channels])) ++known;
    const bool found = known < points;
    if (!found) known = 0;
    for (std::int64_t t = 0; t < s.length; ++t) {
      if (t < points && !is_missing(from[t * s.channels])) known = t;
      to[t * s.channels] = known;
    }
    return found;
  }
  SIGTAPE_HOST_DEVICE static bool is_missing(T value) { return value != value; }
};

}  // namespace sigtape
