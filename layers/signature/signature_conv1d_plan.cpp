#include "sigtape/layers/signature/signature_conv1d_plan.h"

#include <algorithm>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/scratch_gap.h"
#include "sigtape/layers/signature/signature_words.h"

namespace sigtape::cpu {

namespace {

using Plan = SignatureConv1dPlan;
using Shape = SignatureConv1dShape;

// Bytes of rows that a block of backward may hold: a share of the smallest
// common second-level cache.
constexpr std::int64_t kBlockBytes = 256 * 1024;

// Vector multiply-adds that are worth a task of their own: some 30
// microseconds.
constexpr double kTaskWork = 1e5;

std::int64_t words_up_to(std::int64_t channels, int level) {
  std::int64_t words = 0;
  for (int k = 1; k <= level; ++k) words += words_of_level(channels, k);
  return words;
}

// The most levels whose words fit a row and that leave every wanted replica a
// subtree.
int choose_levels(const Shape& shape, std::int64_t replicas) {
  int levels = 1;
  while (levels < shape.depth) {
    if (words_up_to(shape.channels, levels + 1) > Plan::kMaxRowWords) break;
    const std::int64_t subtrees =
        words_of_level(shape.channels, shape.depth - levels - 1);
    if (shape.channels > 1 && subtrees < replicas) break;
    ++levels;
  }
  return levels;
}

void plan_lanes(const Shape& shape, int lanes, Plan& plan) {
  const std::int64_t fit = std::max<std::int64_t>(lanes / shape.batch, 1);
  plan.lanes = lanes;
  plan.levels = choose_levels(shape, fit);
  plan.prefix_letters = shape.depth - plan.levels;
  plan.subtrees = words_of_level(shape.channels, plan.prefix_letters);
  plan.replicas = std::min(fit, plan.subtrees);
  plan.groups = divide_up(shape.batch, lanes);
  plan.units = divide_up(plan.subtrees, plan.replicas);
}

void plan_row(const Shape& shape, Plan& plan) {
  std::int64_t at = 0;
  for (int j = plan.levels; j >= 0; --j) {
    plan.level_at[j] = at;
    if (j > 0) at += words_of_level(shape.channels, j);
  }
  plan.row_words = at + plan.prefix_letters;
  // An odd number of vectors: rows never meet in the same set of a cache.
  plan.row_stride = plan.row_words | 1;
  plan.words = shape.words();
}

void plan_time(const Shape& shape, int vector_bytes, Plan& plan) {
  constexpr std::int64_t tile = Plan::kCotangentSteps;
  plan.steps = shape.increments();
  plan.padded_steps =
      divide_up(plan.steps, Plan::kStepMultiple) * Plan::kStepMultiple;
  const std::int64_t fit = std::clamp<std::int64_t>(
      kBlockBytes / (plan.row_stride * vector_bytes) / tile, 3, 16);
  const std::int64_t tiles = divide_up(plan.steps, tile);
  plan.walked_steps = tiles * tile;
  plan.block_steps = divide_up(tiles, divide_up(tiles, fit)) * tile;
  plan.blocks = divide_up(plan.walked_steps, plan.block_steps);
}

void plan_tasks(const Shape& shape, Plan& plan) {
  const double work =
      static_cast<double>(plan.groups * plan.units * plan.row_words) *
      static_cast<double>(plan.steps * shape.kernel * shape.outputs);
  const std::int64_t tasks = static_cast<std::int64_t>(
      std::clamp(work / kTaskWork, 1.0, double(Plan::kMaxTasks)));
  plan.group_ranges = std::min(plan.groups, tasks);
  const std::int64_t of_units =
      divide_up(std::min(tasks, Plan::kMaxUnitRanges), plan.group_ranges);
  plan.unit_ranges = std::min(plan.units, of_units);
}

// Hands out consecutive pieces of memory.
class Layout {
 public:
  std::int64_t take(std::int64_t count) {
    const std::int64_t at = end_;
    end_ += count;
    return at;
  }
  std::int64_t end() const { return end_; }

 private:
  std::int64_t end_ = 0;
};

std::int64_t partial_vectors(const Shape& shape, const Plan& plan) {
  std::int64_t partials = 0;
  for (int j = 1; j <= plan.levels - 2; ++j)
    partials += words_of_level(shape.channels, j) * (plan.levels - j);
  return partials;
}

void plan_slot(const Shape& shape, bool backward, int vector_bytes,
               Plan& plan) {
  Layout slot;
  const std::int64_t prefix = plan.prefix_letters, stride = plan.row_stride;
  const std::int64_t weights = shape.outputs * plan.row_words * shape.kernel;
  const bool replicated = plan.replicas > 1;
  plan.inverses_at = slot.take(shape.depth + 1);
  plan.weights_at =
      slot.take(replicated ? weights : divide_up(weights, plan.lanes));
  plan.prefix_partials_at = slot.take((prefix + 1) * (shape.depth + 1));
  plan.partials_at = slot.take(partial_vectors(shape, plan));
  plan.letters_at = slot.take(replicated ? prefix * plan.padded_steps : 0);
  plan.masks_at = slot.take(replicated ? prefix * shape.channels : 0);
  plan.rows_at = slot.take(
      (1 + (backward ? plan.block_steps : Plan::kStepMultiple)) * stride);
  if (backward) {
    plan.dpartials_at =
        slot.take(partial_vectors(shape, plan) + shape.depth + 1);
    plan.dletters_at = slot.take(replicated ? prefix * plan.padded_steps : 0);
    plan.checkpoints_at = slot.take(plan.blocks * stride);
    plan.cotangents_at = slot.take(Plan::kStepMultiple * stride);
    plan.later_at = slot.take(stride);
    plan.dweights_at = slot.take(weights + divide_up(weights, plan.lanes));
  }
  slot.take(kScratchGap / vector_bytes);
  plan.slot_vectors = slot.end();
}

void plan_memory(const Shape& shape, bool backward, int element_bytes,
                 Plan& plan) {
  Layout all;
  const std::int64_t rows = plan.positions(shape) * shape.outputs;
  const std::int64_t points = (plan.padded_steps + 2) * shape.channels;
  plan.increments_at =
      all.take(plan.groups * plan.padded_steps * shape.channels);
  if (backward) {
    plan.dy_at = all.take(plan.groups * rows);
    plan.dy_sums_at = all.take(plan.groups * rows);
    plan.dincrements_at = all.take(plan.unit_ranges * plan.groups * points);
  } else {
    plan.y_at = all.take(plan.unit_ranges * plan.groups * rows);
  }
  plan.lane_row_elements = backward ? points : rows;
  plan.lane_rows_at = all.take(plan.groups * plan.lane_row_elements);
  plan.slots_at = all.take(plan.tasks() * plan.slot_vectors);
  Layout elements;
  elements.take(all.end() * plan.lanes);
  if (backward) {
    plan.dweight_parts_at = elements.take(
        (plan.group_ranges - 1) * shape.outputs * plan.words * shape.kernel);
    plan.dbias_parts_at = elements.take(plan.groups * shape.outputs);
  }
  plan.bytes = static_cast<std::size_t>(elements.end() * element_bytes);
}

}  // namespace

Plan make_signature_conv1d_plan(const Shape& shape, bool backward, int lanes,
                                int element_bytes) {
  Plan plan;
  plan_lanes(shape, lanes, plan);
  plan_row(shape, plan);
  plan_time(shape, lanes * element_bytes, plan);
  plan_tasks(shape, plan);
  plan_slot(shape, backward, lanes * element_bytes, plan);
  plan_memory(shape, backward, element_bytes, plan);
  return plan;
}

std::int64_t paths_of_first_share(const Shape& shape, int lanes) {
  const std::int64_t rest = shape.batch % lanes;
  const bool replicable = shape.depth > 1 && shape.channels > 1;
  const bool split = shape.batch > lanes && 2 * rest <= lanes && replicable;
  return split ? shape.batch - rest : shape.batch;
}

}  // namespace sigtape::cpu
