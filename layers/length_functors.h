#pragma once

#include "sigtape/framework/host_device.h"
#include "sigtape/layers/length_kernels.h"

/// One element of each kernel of length_kernels.h, for both devices.
namespace sigtape {

SIGTAPE_HOST_DEVICE inline std::int64_t mapped(const LengthMap& m,
                                               std::int64_t n) {
  return (n + m.add) / m.divide + m.plus;
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

}  // namespace sigtape
