#pragma once

#include "sigtape/framework/simd/isa_list.h"
#include "sigtape/layers/signature/signature_second_kernels.h"

/// For functions that units of several instruction sets share: none of them
/// may export a copy.
#define SIGTAPE_ALWAYS_INLINE __attribute__((always_inline))

namespace sigtape::cpu {

/// How a call is cut, a function of its sizes alone. A pair is a path and a
/// first letter; a group is a vector of pairs, in the order of the paths; slot
/// s runs the groups s, s + slots, ... in its own scratch memory.
///
/// The words of a pair begin with its letter: those of level k are `count(k)`
/// = d^(k-1), from `begin(k)` on.
struct SignatureSecondPlan {
  static constexpr int kMost = 64;
  std::int64_t channels = 0;
  std::int64_t begins[kMost + 2] = {};
  std::int64_t counts[kMost + 2] = {};
  /// Columns of a signature, and the first of them with a word.
  std::int64_t row = 0;
  std::int64_t first_column = 0;

  std::int64_t pairs = 0;
  std::int64_t groups = 0;
  std::int64_t slots = 0;
  /// Paths that a group can have pairs of.
  std::int64_t group_paths = 0;
  std::int64_t increments = 0;
  /// Steps between two stored prefixes.
  std::int64_t interval = 0;
  std::int64_t checkpoints = 0;

  // Bytes from the start of the workspace, and of one slot's part of it.
  std::size_t reversed_byte = 0;
  std::size_t sums_byte = 0;
  std::size_t slots_byte = 0;
  std::size_t slot_bytes = 0;
  std::size_t bytes = 0;

  // Words over one letter are so few that they need no list.
  SIGTAPE_ALWAYS_INLINE std::int64_t begin(int level) const {
    return channels == 1 ? level - 1 : begins[level];
  }
  SIGTAPE_ALWAYS_INLINE std::int64_t count(int level) const {
    return channels == 1 ? 1 : counts[level];
  }
  /// The first word of a level in a row.
  SIGTAPE_ALWAYS_INLINE std::int64_t column(int level) const {
    return first_column + begin(level) * channels;
  }
};

/// What one instruction set gives for one element type: `run` one slot, with
/// the gradients of the increments added up in the plan's sums, [groups,
/// group_paths, T, d]. `reversed` holds, where the shape is inverse, the words
/// of a pair without their first letter, spelt backwards.
template <class T>
struct SignatureSecondTable {
  int lanes;
  /// Vectors of a slot's scratch memory, from the plan's counts.
  std::int64_t (*slot_vectors)(const SignatureSecondPlan&, int depth);
  void (*run)(const SignatureShape&, const SignatureSecondPlan&,
              const SignatureInputs<T>&, const SignatureDirection<T>&,
              const T* dsignature, const SignatureSecond<T>& result,
              void* workspace, std::int64_t slot);
};

}  // namespace sigtape::cpu

#define SIGTAPE_DECLARE_TABLE(isa)                                         \
  namespace sigtape::isa {                                                 \
  extern const cpu::SignatureSecondTable<float> signature_second_float32;  \
  extern const cpu::SignatureSecondTable<double> signature_second_float64; \
  }
SIGTAPE_FOR_EACH_ISA(SIGTAPE_DECLARE_TABLE)
#undef SIGTAPE_DECLARE_TABLE
#undef SIGTAPE_ALWAYS_INLINE
