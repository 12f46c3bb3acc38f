#pragma once

#include <cstdint>

#include "sigtape/framework/simd/isa_list.h"

namespace sigtape::cpu {

/// Channels that the tables below take at most.
constexpr std::int64_t kDepth2Channels = 32;

/// What one instruction set gives for one element type.
template <class T>
struct Depth2Table {
  /// Writes to the rows `out` of `points` points of `channels` the products
  /// (before - after) area, of the rows before and after each point's in
  /// `path`, which has a row in front of the first and one behind the last.
  /// `area` is [channels, channels] with a diagonal of zeros, in memory for
  /// kDepth2Channels of them.
  void (*interior)(const T* path, std::int64_t points, std::int64_t channels,
                   const T* area, T* out);
};

}  // namespace sigtape::cpu

#define SIGTAPE_DECLARE_TABLE(isa)                      \
  namespace sigtape::isa {                              \
  extern const cpu::Depth2Table<float> depth2_float32;  \
  extern const cpu::Depth2Table<double> depth2_float64; \
  }
SIGTAPE_FOR_EACH_ISA(SIGTAPE_DECLARE_TABLE)
#undef SIGTAPE_DECLARE_TABLE
