#pragma once

#include "sigtape/framework/simd/isa_list.h"
#include "sigtape/layers/signature/tensor_series_kernels.h"

/// For functions that units of several instruction sets share: none of them
/// may export a copy.
#define SIGTAPE_ALWAYS_INLINE __attribute__((always_inline))

namespace sigtape::cpu {

/// Where the levels of a signature stand. Words over one letter are so few
/// that they need no list.
struct Levels {
  static constexpr int kMost = 64;
  std::int64_t channels = 0;
  std::int64_t begins[kMost + 1] = {};
  std::int64_t counts[kMost + 1] = {};

  SIGTAPE_ALWAYS_INLINE std::int64_t begin(int level) const {
    return channels == 1 ? level - 1 : begins[level];
  }
  SIGTAPE_ALWAYS_INLINE std::int64_t count(int level) const {
    return channels == 1 ? 1 : counts[level];
  }
  /// Words of length 1 to `level`.
  SIGTAPE_ALWAYS_INLINE std::int64_t up_to(int level) const {
    return begin(level) + count(level);
  }
};

/// Those of a size that signature_channels accepts.
Levels make_levels(std::int64_t channels, int depth);

/// How the rows are cut, a function of the sizes alone. The first `groups`
/// items are a vector of rows each (the last may lack some), the others one
/// row each. Slot s runs the items s, s + slots, ... in its own scratch memory.
struct SeriesPlan {
  Levels levels;
  std::int64_t groups = 0;
  std::int64_t items = 0;
  std::int64_t slots = 0;
  /// Elements of y_1 .. y_(N-1), one after another.
  std::int64_t partial_elements = 0;
  /// Vectors of one slot.
  std::int64_t slot_vectors = 0;
};

/// What one instruction set gives for one element type.
template <class T>
struct SeriesTable {
  int lanes;
  void (*forward)(const SeriesShape&, const SeriesPlan&, const T* x, T* out,
                  void* workspace, std::int64_t slot);
  void (*backward)(const SeriesShape&, const SeriesPlan&, const T* x,
                   const T* dout, T* dx, void* workspace, std::int64_t slot);
  void (*second)(const SeriesShape&, const SeriesPlan&, const T* x, const T* v,
                 const T* dout, T* slope, T* dx, void* workspace,
                 std::int64_t slot);
};

}  // namespace sigtape::cpu

#define SIGTAPE_DECLARE_TABLE(isa)                      \
  namespace sigtape::isa {                              \
  extern const cpu::SeriesTable<float> series_float32;  \
  extern const cpu::SeriesTable<double> series_float64; \
  }
SIGTAPE_FOR_EACH_ISA(SIGTAPE_DECLARE_TABLE)
#undef SIGTAPE_DECLARE_TABLE
#undef SIGTAPE_ALWAYS_INLINE
