#include "sigtape/layers/signature/signature_plan.h"

#include <algorithm>

#include "sigtape/layers/signature/signature_words.h"

namespace sigtape::cpu {

namespace {

// Bytes of first-level cache that a tile's block of time may fill; the rest of
// the smallest common one (32 KiB) is left to the state.
constexpr std::int64_t kBlockBytes = 26 * 1024;

std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// Vector multiply-adds below which waking other threads costs more than it
// gives: some 30 microseconds.
constexpr double kSerialWork = 1e5;

// Multiply-adds of one lane for one increment, with what it costs to bring the
// increment into lanes and its gradient back.
double lane_cost(const SignatureShape& shape, int prefix_levels) {
  double cost = 4.0 * static_cast<double>(shape.channels), words = 1;
  for (int level = 1; level <= shape.depth; ++level) {
    if (level > prefix_levels) words *= static_cast<double>(shape.channels);
    cost += words * (shape.depth - level + 1);
  }
  return cost;
}

// Few paths leave lanes empty; prefixes fill them, at the price of walking the
// words up to the prefix in every lane.
int choose_prefix_levels(const SignatureShape& shape, int lanes) {
  int best = 0;
  double best_cost = 0;
  std::int64_t pairs = shape.batch;
  for (int levels = 0; levels < shape.depth; ++levels) {
    const double groups = static_cast<double>(divide_up(pairs, lanes));
    const double cost = groups * lane_cost(shape, levels);
    if (levels == 0 || cost < best_cost) {
      best = levels;
      best_cost = cost;
    }
    if (pairs >= 16 * lanes) break;
    pairs *= shape.channels;
  }
  return best;
}

// Blocks of equal size, of at most as many steps as fit the cache.
std::int64_t even_steps(std::int64_t increments, std::int64_t vectors_per_step,
                        int vector_bytes, std::int64_t most) {
  const std::int64_t fit = std::clamp<std::int64_t>(
      kBlockBytes / (vectors_per_step * vector_bytes), 8, most);
  return divide_up(increments, divide_up(increments, fit));
}

void plan_lanes(const SignatureShape& shape, int lanes, SignaturePlan& plan) {
  plan.lanes = lanes;
  plan.prefix_levels = choose_prefix_levels(shape, lanes);
  plan.prefixes = words_of_level(shape.channels, plan.prefix_levels);
  plan.pairs = shape.batch * plan.prefixes;
  plan.groups = divide_up(plan.pairs, lanes);
  plan.slots = std::min(plan.groups, SignaturePlan::kMaxSlots);
  plan.parallel = static_cast<double>(plan.groups * plan.increments) *
                      lane_cost(shape, plan.prefix_levels) >
                  kSerialWork;
}

void plan_levels(const SignatureShape& shape, SignaturePlan& plan) {
  std::int64_t column = shape.scalar_term ? 1 : 0;
  for (int level = 1; level <= shape.depth; ++level) {
    plan.level_column[level] = column;
    column += words_of_level(shape.channels, level);
    plan.level_words[level] =
        words_of_level(shape.channels, level - plan.prefix_levels);
    if (level == shape.depth) break;
    plan.level_start[level] = plan.low_words;
    plan.low_words += plan.level_words[level];
  }
  plan.level_column[shape.depth + 1] = column;
  plan.top_words = plan.level_words[shape.depth];
}

void plan_time(const SignatureShape& shape, int vector_bytes,
               SignaturePlan& plan) {
  const std::int64_t steps = shape.increments(), d = shape.channels;
  // Up to four letters a word of level N - 2 with all below it is one tile; the
  // sums of its siblings are what fills the cache then.
  const std::int64_t siblings = d <= 4 && shape.depth > 3 ? 3 * d : 0;
  plan.forward_steps = even_steps(steps, d + 3 + siblings, vector_bytes, 64);
  plan.backward_steps = even_steps(
      steps, 2 * d + 6 + std::min<std::int64_t>(d, 4), vector_bytes, 32);
  plan.block_steps = std::max(plan.forward_steps, plan.backward_steps);
  plan.checkpoints = divide_up(steps, plan.backward_steps);
}

// Partial sums of levels 1 to depth - 2 for a block: siblings, each with
// depth - level sums a step.
std::int64_t partial_vectors(const SignatureShape& shape, std::int64_t steps) {
  std::int64_t sums = 0;
  for (int level = 1; level <= shape.depth - 2; ++level)
    sums += SignaturePlan::kMaxSiblings * (shape.depth - level);
  return sums * steps;
}

void plan_slot(const SignatureShape& shape, SignaturePlan& plan) {
  const std::int64_t d = shape.channels, block = plan.block_steps;
  auto take = [&](std::int64_t vectors) {
    const std::int64_t at = plan.slot_vectors;
    plan.slot_vectors += vectors;
    return at;
  };
  plan.increments_at = take((block + 1) * d);
  plan.dincrements_at = take((block + 2) * d);
  plan.prefix_increments_at = take(block * plan.prefix_levels);
  plan.dprefix_increments_at = take(block * plan.prefix_levels);
  plan.masks_at = take(plan.prefix_levels * d);
  plan.root_at = take(shape.depth);
  plan.partials_at = take(partial_vectors(shape, block));
  plan.dpartials_at = take(partial_vectors(shape, plan.backward_steps));
  plan.leaf_partials_at = take(SignaturePlan::kMaxTilePartials * block);
  plan.history_at =
      take(shape.stream ? block * SignaturePlan::kMaxLeafWords * (d + 1) : 0);
  plan.low_at = take(plan.low_words);
  plan.top_at = take(plan.top_words);
  plan.rows_at = take(plan.prefix_levels > 0 ? block * d : 0);
}

void plan_memory(const SignatureShape& shape, int element_bytes,
                 SignaturePlan& plan) {
  const std::size_t vector_bytes = plan.lanes * element_bytes;
  plan.saved_bytes =
      plan.groups * plan.checkpoints * plan.low_words * vector_bytes;
  std::size_t end = plan.slots * plan.slot_vectors * vector_bytes;
  plan.partials_byte = end;
  if (plan.prefix_levels > 0) {
    plan.partial_paths = plan.lanes / plan.prefixes + 2;
    plan.partial_elements = shape.increments() * shape.channels +
                            plan.level_column[plan.prefix_levels + 1] -
                            plan.level_column[1];
    end += plan.groups * plan.partial_paths * plan.partial_elements *
           element_bytes;
  }
  plan.basepoints_byte = end;
  if (shape.basepoint == BasepointKind::shared)
    end += shape.batch * shape.channels * element_bytes;
  plan.workspace_bytes = end;
}

}  // namespace

SignaturePlan make_signature_plan(const SignatureShape& shape, int lanes,
                                  int element_bytes) {
  SignaturePlan plan;
  // Lengths are compared as elements: float counts to 2^24.
  plan.vectorised = shape.depth >= 2 && shape.batch > 0 &&
                    shape.depth <= SignaturePlan::kMaxDepth &&
                    (!shape.lengths || shape.length < (1 << 24));
  if (!plan.vectorised) return plan;
  plan.increments = shape.increments();
  plan.rows = shape.rows();
  plan.columns = shape.columns();
  plan_lanes(shape, lanes, plan);
  plan_levels(shape, plan);
  plan_time(shape, lanes * element_bytes, plan);
  plan_slot(shape, plan);
  plan_memory(shape, element_bytes, plan);
  return plan;
}

}  // namespace sigtape::cpu
