// The rows of a tensor series cut into items and slots, and handed to the
// kernels of the instruction set.
#include <algorithm>
#include <type_traits>

#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/layers/signature/channels.h"
#include "sigtape/layers/signature/signature_words.h"
#include "sigtape/layers/signature/tensor_series_table.h"

namespace sigtape {

std::int64_t SeriesShape::columns(Coordinates coordinates) const {
  return coordinates == Coordinates::signature
             ? signature_channels(channels, depth)
             : lyndon_words;
}

namespace cpu {

Levels make_levels(std::int64_t channels, int depth) {
  Levels levels;
  levels.channels = channels;
  for (int n = 1; channels > 1 && n <= depth; ++n) {
    levels.begins[n] = level_offset(channels, n);
    levels.counts[n] = words_of_level(channels, n);
  }
  return levels;
}

namespace {

constexpr std::int64_t kSlots = 16;

SIGTAPE_DEFINE_TABLE_OF(SeriesTable, series)

int lanes_of(std::size_t element) {
  return element == sizeof(float) ? table_of<float>(active_isa()).lanes
                                  : table_of<double>(active_isa()).lanes;
}

// Elements of y_1 .. y_(N-1): as many as up_to(1) + .. + up_to(N - 1).
double partial_elements(const SeriesShape& shape) {
  double sum = 0, columns = 0, words = 1;
  const auto d = static_cast<double>(shape.channels);
  if (shape.channels == 1) return 0.5 * shape.depth * (shape.depth - 1.0);
  for (int n = 1; n < shape.depth; ++n) sum += columns += words *= d;
  return sum;
}

// Elements that a row, or a lane, needs.
double slot_elements(const SeriesShape& shape, SeriesCall call) {
  const auto all = static_cast<double>(shape.columns(Coordinates::signature));
  const auto ends = static_cast<double>(shape.columns(shape.argument) +
                                        shape.columns(shape.result));
  const double forward = all + ends + partial_elements(shape);
  if (call == SeriesCall::forward) return forward;
  // Dual numbers are two elements, and their parts are moved one by one.
  return call == SeriesCall::backward ? forward + 3 * all
                                      : 2 * (forward + 3 * all) + ends;
}

SeriesPlan make_plan(const SeriesShape& shape, int lanes, SeriesCall call) {
  SeriesPlan plan;
  plan.levels = make_levels(shape.channels, shape.depth);
  // A group with less rows than that takes longer than the rows one by one.
  const std::int64_t fewest = std::max(2, lanes / 4);
  const std::int64_t rest = shape.rows % lanes;
  plan.groups = shape.rows / lanes + (rest >= fewest ? 1 : 0);
  plan.items = plan.groups + (rest >= fewest ? 0 : rest);
  plan.slots = std::min(plan.items, kSlots);
  plan.partial_elements = static_cast<std::int64_t>(partial_elements(shape));
  plan.slot_vectors = static_cast<std::int64_t>(slot_elements(shape, call));
  return plan;
}

// Slots in any order, on the pool where that is worth waking it.
template <class Body>
void run_slots(const SeriesShape& shape, const SeriesPlan& plan,
               const Body& body) {
  const double work = static_cast<double>(shape.rows) * shape.depth *
                      static_cast<double>(plan.slot_vectors);
  if (work > 65536) return parallel_for(plan.slots, body);
  for (std::int64_t slot = 0; slot < plan.slots; ++slot) body(slot);
}

}  // namespace

double series_workspace_bytes(const SeriesShape& shape, std::size_t element,
                              SeriesCall call) {
  const double slots = static_cast<double>(std::min(shape.rows, kSlots));
  return slots * slot_elements(shape, call) * static_cast<double>(element) *
         lanes_of(element);
}

template <class T>
void series_forward(const SeriesShape& shape, const T* x, T* out,
                    void* workspace) {
  const SeriesTable<T>& table = table_of<T>(active_isa());
  const SeriesPlan plan = make_plan(shape, table.lanes, SeriesCall::forward);
  run_slots(shape, plan, [&](std::int64_t slot) {
    table.forward(shape, plan, x, out, workspace, slot);
  });
}

template <class T>
void series_backward(const SeriesShape& shape, const T* x, const T* dout, T* dx,
                     void* workspace) {
  const SeriesTable<T>& table = table_of<T>(active_isa());
  const SeriesPlan plan = make_plan(shape, table.lanes, SeriesCall::backward);
  run_slots(shape, plan, [&](std::int64_t slot) {
    table.backward(shape, plan, x, dout, dx, workspace, slot);
  });
}

template <class T>
void series_second(const SeriesShape& shape, const T* x, const T* v,
                   const T* dout, T* slope, T* dx, void* workspace) {
  const SeriesTable<T>& table = table_of<T>(active_isa());
  const SeriesPlan plan = make_plan(shape, table.lanes, SeriesCall::second);
  run_slots(shape, plan, [&](std::int64_t slot) {
    table.second(shape, plan, x, v, dout, slope, dx, workspace, slot);
  });
}

#define INSTANTIATE(T)                                                      \
  template void series_forward(const SeriesShape&, const T*, T*, void*);    \
  template void series_backward(const SeriesShape&, const T*, const T*, T*, \
                                void*);                                     \
  template void series_second(const SeriesShape&, const T*, const T*,       \
                              const T*, T*, T*, void*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace cpu
}  // namespace sigtape
