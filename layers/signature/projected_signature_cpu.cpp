// The paths of a projected signature cut into items and blocks, and handed to
// the kernels of the instruction set.
#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/scratch_gap.h"
#include "sigtape/framework/scratch_slots.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/layers/signature/projected_signature_table.h"

namespace sigtape {

namespace {

using cpu::ProjectionPlan;
using cpu::ProjectionTable;

SIGTAPE_DEFINE_TABLE_OF(ProjectionTable, projection)

// Of the first-level cache, for partial sums.
constexpr std::int64_t kPartialBytes = 28672;
// The most increments of a block.
constexpr std::int64_t kMostSteps = 48;

// For numbers of so many vectors: two where they carry a derivative along, and
// nothing is saved outside.
template <class T>
ProjectionPlan make_plan(const ProjectionShape& s, std::int64_t parts = 1) {
  const int lanes = table_of<T>(active_isa()).lanes;
  ProjectionPlan plan;
  plan.items = divide_up(s.batch, lanes);
  // A node of level n has at most depth - n partial sums.
  const std::int64_t sums =
      std::max<std::int64_t>(s.depth * (s.depth - 1) / 2, 1);
  const auto vector_bytes = static_cast<std::int64_t>(lanes * sizeof(T));
  const std::int64_t most = std::clamp<std::int64_t>(
      kPartialBytes / vector_bytes / sums, 8, kMostSteps);
  plan.blocks = divide_up(s.increments(), most);
  plan.block = divide_up(s.increments(), plan.blocks);
  // Up to 4 nodes of height up to 2 stand side by side.
  plan.sums = std::max<std::int64_t>(s.depth + 1, 8);
  plan.item_vectors = (plan.blocks + 1) * s.inner;
  plan.moved = std::max(s.length * s.channels, s.words);
  plan.slot_vectors = 2 * s.length * s.channels + 2 * s.nodes +
                      2 * plan.block * (s.depth + 1) * plan.sums;
  if (parts > 1) plan.slot_vectors += plan.item_vectors;
  plan.slot_vectors =
      plan.moved + parts * plan.slot_vectors + kScratchGap / vector_bytes;
  return plan;
}

template <class T>
std::size_t bytes(std::int64_t vectors) {
  return static_cast<std::size_t>(vectors) * sizeof(T) *
         static_cast<std::size_t>(table_of<T>(active_isa()).lanes);
}

// Tasks in any order, each with the first piece of scratch memory that is free,
// on the pool where that is worth waking it.
template <class T, class Body>
void run_tasks(const ProjectionShape& s, const ProjectionPlan& plan,
               void* workspace, const Body& body) {
  const std::int64_t tasks = std::min(plan.items, ProjectionPlan::kTasks);
  cpu::Slots slots(tasks);
  const auto run = [&](std::int64_t task) {
    const std::int64_t slot = slots.take();
    body(static_cast<std::byte*>(workspace) +
             slot * static_cast<std::int64_t>(bytes<T>(plan.slot_vectors)),
         task);
    slots.give_back(slot);
  };
  if (s.batch * s.increments() * s.nodes > 65536)
    return parallel_for(tasks, run);
  for (std::int64_t task = 0; task < tasks; ++task) run(task);
}

}  // namespace

template <class T>
std::size_t projected_saved_bytes(Cpu, const ProjectionShape& shape) {
  const ProjectionPlan plan = make_plan<T>(shape);
  return bytes<T>(plan.items * plan.item_vectors);
}

template <class T>
std::size_t projected_workspace_bytes(Cpu, const ProjectionShape& shape) {
  const ProjectionPlan plan = make_plan<T>(shape);
  return bytes<T>(std::min(plan.items, ProjectionPlan::kTasks) *
                  plan.slot_vectors);
}

template <class T>
void projected_forward(Cpu, const ProjectionShape& shape,
                       const Projection& tree, const T* path,
                       const std::int64_t* lengths, T* out, void* saved,
                       void* workspace) {
  const ProjectionPlan plan = make_plan<T>(shape);
  run_tasks<T>(shape, plan, workspace, [&](void* memory, std::int64_t task) {
    table_of<T>(active_isa())
        .forward(shape, plan, tree, path, lengths, out, saved, memory, task);
  });
}

template <class T>
void projected_backward(Cpu, const ProjectionShape& shape,
                        const Projection& tree, const T* path,
                        const std::int64_t* lengths, const void* saved,
                        const T* dout, T* dpath, void* workspace) {
  const ProjectionPlan plan = make_plan<T>(shape);
  run_tasks<T>(shape, plan, workspace, [&](void* memory, std::int64_t task) {
    table_of<T>(active_isa())
        .backward(shape, plan, tree, path, lengths, saved, dout, dpath, memory,
                  task);
  });
}

template <class T>
std::size_t projected_second_bytes(Cpu, const ProjectionShape& shape) {
  const ProjectionPlan plan = make_plan<T>(shape, 2);
  return bytes<T>(std::min(plan.items, ProjectionPlan::kTasks) *
                  plan.slot_vectors);
}

template <class T>
void projected_second(Cpu, const ProjectionShape& shape, const Projection& tree,
                      const T* path, const T* direction,
                      const std::int64_t* lengths, const T* dout, T* slopes,
                      T* dpath, void* workspace) {
  const ProjectionPlan plan = make_plan<T>(shape, 2);
  run_tasks<T>(shape, plan, workspace, [&](void* memory, std::int64_t task) {
    table_of<T>(active_isa())
        .second(shape, plan, tree, path, direction, lengths, dout, slopes,
                dpath, memory, task);
  });
}

#define INSTANTIATE(T)                                                         \
  template std::size_t projected_saved_bytes<T>(Cpu, const ProjectionShape&);  \
  template std::size_t projected_workspace_bytes<T>(Cpu,                       \
                                                    const ProjectionShape&);   \
  template void projected_forward(Cpu, const ProjectionShape&,                 \
                                  const Projection&, const T*,                 \
                                  const std::int64_t*, T*, void*, void*);      \
  template void projected_backward(                                            \
      Cpu, const ProjectionShape&, const Projection&, const T*,                \
      const std::int64_t*, const void*, const T*, T*, void*);                  \
  template std::size_t projected_second_bytes<T>(Cpu, const ProjectionShape&); \
  template void projected_second(                                              \
      Cpu, const ProjectionShape&, const Projection&, const T*, const T*,      \
      const std::int64_t*, const T*, T*, T*, void*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
