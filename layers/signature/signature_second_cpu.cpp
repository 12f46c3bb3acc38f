// Second derivatives of signatures cut into groups of pairs, and put together
// again.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/scratch_gap.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/layers/signature/channels.h"
#include "sigtape/layers/signature/signature_second_table.h"
#include "sigtape/layers/signature/signature_words.h"

namespace sigtape::cpu {

namespace {

using Plan = SignatureSecondPlan;

constexpr std::int64_t kSlots = 16;

SIGTAPE_DEFINE_TABLE_OF(SignatureSecondTable, signature_second)

void set_levels(const SignatureShape& shape, Plan& plan) {
  const std::int64_t d = plan.channels = shape.channels;
  for (int n = 1; d > 1 && n <= shape.depth; ++n) {
    plan.counts[n] = words_of_level(d, n - 1);
    plan.begins[n] = n == 1 ? 0 : plan.begins[n - 1] + plan.counts[n - 1];
  }
  plan.first_column = shape.scalar_term;
  plan.row = shape.columns();
}

void set_groups(const SignatureShape& shape, int lanes, Plan& plan) {
  plan.pairs = shape.batch * shape.channels;
  plan.groups = divide_up(plan.pairs, lanes);
  plan.slots = std::min(plan.groups, kSlots);
  plan.group_paths = std::min(shape.batch, (lanes - 2) / shape.channels + 2);
  plan.increments = shape.increments();
  // Their number and the steps made again between two are about equal.
  plan.interval = static_cast<std::int64_t>(
      std::ceil(std::sqrt(static_cast<double>(plan.increments))));
  plan.checkpoints = divide_up(plan.increments, plan.interval);
}

template <class T>
Plan make_plan(const SignatureShape& shape) {
  const SignatureSecondTable<T>& table = table_of<T>(active_isa());
  Plan plan;
  set_levels(shape, plan);
  set_groups(shape, table.lanes, plan);
  const auto take = [&plan](std::size_t bytes) {
    const std::size_t at = plan.bytes;
    plan.bytes += (bytes + 63) / 64 * 64;
    return at;
  };
  const std::int64_t words = plan.begin(shape.depth) + plan.count(shape.depth);
  plan.reversed_byte = take(shape.inverse ? words * sizeof(std::int64_t) : 0);
  plan.sums_byte = take(plan.groups * plan.group_paths * plan.increments *
                        plan.channels * sizeof(T));
  plan.slot_bytes =
      table.slot_vectors(plan, shape.depth) * table.lanes * sizeof(T) +
      kScratchGap;
  plan.slots_byte = take(plan.slots * plan.slot_bytes);
  return plan;
}

// The words of a pair without their first letter, spelt backwards.
void fill_reversed(const SignatureShape& shape, const Plan& plan,
                   std::int64_t* reversed) {
  const std::int64_t d = shape.channels;
  reversed[0] = 0;
  for (int level = 2; level <= shape.depth; ++level) {
    const std::int64_t* shorter = reversed + plan.begin(level - 1);
    std::int64_t* words = reversed + plan.begin(level);
    const std::int64_t count = plan.count(level - 1);
    for (std::int64_t w = 0; w < count; ++w)
      for (std::int64_t j = 0; j < d; ++j)
        words[w * d + j] = j * count + shorter[w];
  }
}

// The gradient of increment `step` of a path, in the sums of the groups that
// hold pairs of it: added up into the first one's.
template <class T>
const T* sum_groups(const Plan& plan, int lanes, T* sums, std::int64_t path) {
  const std::int64_t size = plan.increments * plan.channels;
  const std::int64_t first = path * plan.channels / lanes;
  const std::int64_t last = ((path + 1) * plan.channels - 1) / lanes;
  const auto row_of = [&](std::int64_t group) {
    const std::int64_t first_path = group * lanes / plan.channels;
    return sums + (group * plan.group_paths + path - first_path) * size;
  };
  T* sum = row_of(first);
  for (std::int64_t group = first + 1; group <= last; ++group) {
    const T* row = row_of(group);
    for (std::int64_t k = 0; k < size; ++k) sum[k] += row[k];
  }
  return sum;
}

// Points from increments: point t + 1 gets that of step t, point t loses it.
template <class T>
void finish_path(const SignatureShape& shape, const T* sum, T* dpath,
                 T* dbasepoint) {
  const std::int64_t d = shape.channels;
  const std::int64_t based = shape.basepoint != BasepointKind::none;
  if (dpath) std::fill_n(dpath, shape.length * d, T(0));
  if (dbasepoint) std::fill_n(dbasepoint, d, T(0));
  for (std::int64_t step = 0; step < shape.increments(); ++step, sum += d) {
    T* to = dpath ? dpath + (step + 1 - based) * d : nullptr;
    T* from = based && step == 0 ? dbasepoint : to ? to - d : nullptr;
    for (std::int64_t j = 0; j < d; ++j) {
      if (to) to[j] += sum[j];
      if (from) from[j] -= sum[j];
    }
  }
}

template <class T>
void finish(const SignatureShape& shape, const Plan& plan, T* sums,
            const SignatureSecond<T>& result) {
  const int lanes = table_of<T>(active_isa()).lanes;
  const std::int64_t d = shape.channels;
  for (std::int64_t path = 0; path < shape.batch; ++path)
    finish_path(shape, sum_groups(plan, lanes, sums, path),
                result.path ? result.path + path * shape.length * d : nullptr,
                result.basepoint ? result.basepoint + path * d : nullptr);
}

}  // namespace

template <class T>
std::size_t signature_second_bytes(const SignatureShape& shape) {
  return make_plan<T>(shape).bytes;
}

template <class T>
void signature_second(const SignatureShape& shape,
                      const SignatureInputs<T>& inputs,
                      const SignatureDirection<T>& direction,
                      const T* dsignature, const SignatureSecond<T>& result,
                      void* workspace) {
  const Plan plan = make_plan<T>(shape);
  auto* bytes = static_cast<unsigned char*>(workspace);
  if (shape.inverse)
    fill_reversed(shape, plan,
                  reinterpret_cast<std::int64_t*>(bytes + plan.reversed_byte));
  parallel_for(plan.slots, [&](std::int64_t slot) {
    table_of<T>(active_isa())
        .run(shape, plan, inputs, direction, dsignature, result, workspace,
             slot);
  });
  if (result.path || result.basepoint)
    finish(shape, plan, reinterpret_cast<T*>(bytes + plan.sums_byte), result);
}

#define SIGTAPE_INSTANTIATE(T)                                           \
  template std::size_t signature_second_bytes<T>(const SignatureShape&); \
  template void signature_second(const SignatureShape&,                  \
                                 const SignatureInputs<T>&,              \
                                 const SignatureDirection<T>&, const T*, \
                                 const SignatureSecond<T>&, void*);
SIGTAPE_INSTANTIATE(float)
SIGTAPE_INSTANTIATE(double)
#undef SIGTAPE_INSTANTIATE

}  // namespace sigtape::cpu
