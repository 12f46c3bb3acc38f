#pragma once

#include "sigtape/framework/simd/isa_list.h"
#include "sigtape/layers/signature/projected_signature_kernels.h"

namespace sigtape::cpu {

/// How a call is cut, a function of the sizes alone: an item is a vector of
/// paths, a block some increments of them.
struct ProjectionPlan {
  static constexpr std::int64_t kTasks = 16;
  std::int64_t items = 0;
  std::int64_t block = 0;
  std::int64_t blocks = 0;
  /// Partial sums for each step of a block, of one level.
  std::int64_t sums = 0;
  /// Vectors for what is read from and written to rows.
  std::int64_t moved = 0;
  /// Vectors of scratch memory of a task, and saved for an item.
  std::int64_t slot_vectors = 0;
  std::int64_t item_vectors = 0;
};

/// What one instruction set gives for one element type. Each call runs the
/// items task, task + kTasks, ... in `memory`.
template <class T>
struct ProjectionTable {
  int lanes;
  void (*forward)(const ProjectionShape&, const ProjectionPlan&,
                  const Projection&, const T* path, const std::int64_t* lengths,
                  T* out, void* saved, void* memory, std::int64_t task);
  void (*backward)(const ProjectionShape&, const ProjectionPlan&,
                   const Projection&, const T* path,
                   const std::int64_t* lengths, const void* saved,
                   const T* dout, T* dpath, void* memory, std::int64_t task);
  void (*second)(const ProjectionShape&, const ProjectionPlan&,
                 const Projection&, const T* path, const T* direction,
                 const std::int64_t* lengths, const T* dout, T* slopes,
                 T* dpath, void* memory, std::int64_t task);
};

}  // namespace sigtape::cpu

#define SIGTAPE_DECLARE_TABLE(isa)                              \
  namespace sigtape::isa {                                      \
  extern const cpu::ProjectionTable<float> projection_float32;  \
  extern const cpu::ProjectionTable<double> projection_float64; \
  }
SIGTAPE_FOR_EACH_ISA(SIGTAPE_DECLARE_TABLE)
#undef SIGTAPE_DECLARE_TABLE
