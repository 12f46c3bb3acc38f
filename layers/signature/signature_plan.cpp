#include "sigtape/layers/signature/signature_plan.h"

#include <algorithm>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/scratch_gap.h"
#include "sigtape/layers/signature/signature_pieces.h"
#include "sigtape/layers/signature/signature_words.h"

namespace sigtape::cpu {

namespace {

// Bytes of first-level cache that a tile's block of time may fill; the rest of
// the smallest common one (32 KiB) is left to the state.
constexpr std::int64_t kBlockBytes = 26 * 1024;

// Vectors that a state may have: what is read and written once in every block
// of time should stay in the second-level cache.
constexpr double kStateWords = 24000;

// Bytes that backward may go through, paths, their gradients and checkpoints,
// for blocks shorter than the first-level cache has room for: twice the
// checkpoints should still leave all of it in the second-level cache.
constexpr std::int64_t kShortBlockBytes = 1792 * 1024;
constexpr std::int64_t kLongBlock = 32, kShortBlock = 14;

// Vector multiply-adds below which waking other threads costs more than it
// gives, some 3 microseconds, below which groups are not cut for threads, and
// below which paths are not.
constexpr double kSerialWork = 6e3, kWholeWork = 6e4, kUncutWork = 1e5;

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

// How lanes are used: prefixes of so many letters, in so many groups.
struct Lanes {
  int prefix_levels = 0;
  std::int64_t groups = 0;
  double step_cost = 0;  // vector multiply-adds of an increment in a group

  double cost() const { return static_cast<double>(groups) * step_cost; }
};

// Words of a lane's state.
double lane_words(const SignatureShape& shape, int prefix_levels) {
  double all = 0, words = 1;
  for (int level = 1; level <= shape.depth; ++level) {
    if (level > prefix_levels) words *= static_cast<double>(shape.channels);
    all += words;
  }
  return all;
}

// Few pieces leave lanes empty; prefixes fill them, at the price of walking the
// words up to the prefix in every lane.
Lanes fill_lanes(const SignatureShape& shape, std::int64_t pieces, int lanes) {
  Lanes best;
  std::int64_t pairs = pieces;
  for (int levels = 0; levels < shape.depth; ++levels) {
    const Lanes use = {levels, divide_up(pairs, lanes),
                       lane_cost(shape, levels)};
    if (levels == 0 || use.cost() < best.cost()) best = use;
    if (pairs >= 16 * lanes) break;
    pairs *= shape.channels;
  }
  return best;
}

// The same, but longer prefixes where a state would not fit the second-level
// cache, if they cost next to nothing.
Lanes choose_lanes(const SignatureShape& shape, std::int64_t pieces,
                   int lanes) {
  Lanes best = fill_lanes(shape, pieces, lanes);
  while (!shape.stream && best.prefix_levels + 4 < shape.depth &&
         lane_words(shape, best.prefix_levels) > kStateWords) {
    const int levels = best.prefix_levels + 1;
    const std::int64_t pairs = pieces * words_of_level(shape.channels, levels);
    const Lanes use = {levels, divide_up(pairs, lanes),
                       lane_cost(shape, levels)};
    if (use.cost() > 1.02 * best.cost()) break;
    best = use;
  }
  return best;
}

// Vector multiply-adds of multiplying the pieces of all paths, with `threads`
// threads.
double pieces_cost(const SignatureShape& shape, std::int64_t pieces, int lanes,
                   int threads) {
  double words = 0, product = 0, level_words = 1;
  for (int level = 1; level <= shape.depth; ++level) {
    level_words *= static_cast<double>(shape.channels);
    words += level_words;
    product += level * level_words;
  }
  const bool in_lanes = pieces_in_lanes(words, lanes);
  // Products of one pair are slower; one of a pair in each lane takes
  // transposes.
  const double item = in_lanes ? product + 6 * words : 2 * product / lanes;
  double cost = 0;
  for (std::int64_t left = pieces; left > 1; left = divide_up(left, 2)) {
    const std::int64_t products = shape.batch * (left / 2);
    const std::int64_t items = in_lanes ? divide_up(products, lanes) : products;
    cost += item * static_cast<double>(divide_up(items, threads));
  }
  return cost;
}

double call_cost(const SignatureShape& shape, std::int64_t pieces, int lanes,
                 int threads) {
  const Lanes use = choose_lanes(shape, shape.batch * pieces, lanes);
  return static_cast<double>(divide_up(use.groups, threads) *
                             divide_up(shape.increments(), pieces)) *
             use.step_cost +
         pieces_cost(shape, pieces, lanes, threads);
}

// Into how many pieces few long paths are cut. Of what makes a call no slower
// on one thread, the number that is best for one, two, four and eight together:
// a compromise, since results may not depend on the number of threads.
std::int64_t choose_pieces(const SignatureShape& shape, int lanes) {
  const std::int64_t steps = shape.increments();
  if (shape.stream || steps < 64 || shape.batch >= 16 * lanes) return 1;
  const double whole = call_cost(shape, 1, lanes, 1);
  const int whole_levels =
      choose_lanes(shape, shape.batch, lanes).prefix_levels;
  double best_sum = 0;
  std::int64_t best = 1;
  for (std::int64_t pieces : {1, 2, 4, 8, 16, 32, 64}) {
    if (steps / pieces < 32) break;
    const double alone = call_cost(shape, pieces, lanes, 1);
    // Shorter prefixes do less, but not where the state leaves the cache.
    const int levels =
        choose_lanes(shape, shape.batch * pieces, lanes).prefix_levels;
    const bool spills =
        levels < whole_levels && lane_words(shape, levels) > kBlockBytes / 64;
    if (alone > 1.02 * whole || spills) continue;
    double sum = alone;
    for (int threads = 2; threads <= 8; threads *= 2)
      sum +=
          alone < kUncutWork ? alone : call_cost(shape, pieces, lanes, threads);
    if (pieces == 1 || sum < best_sum) {
      best = pieces;
      best_sum = sum;
    }
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

// Into how many tasks a group is cut, at its first level of several words,
// where one or three groups would leave threads idle. Each further one walks
// again what stands above that level, at most 3 % of the multiply-adds.
std::int64_t choose_splits(const SignatureShape& shape,
                           const SignaturePlan& plan, double step_cost) {
  const std::int64_t d = shape.channels;
  // The words that are split are nodes of their own, not part of a tile.
  const int tile = d == 2 ? 4 : 3;
  const bool uneven = plan.groups == 1 || plan.groups == 3;
  if (!uneven || shape.stream || d < 2 ||
      plan.prefix_levels + 1 > shape.depth - tile)
    return 1;
  const double work = static_cast<double>(plan.increments) * step_cost;
  double again = 4.0 * static_cast<double>(d);
  for (int level = 1; level <= plan.prefix_levels; ++level)
    again += shape.depth - level + 1;
  const std::int64_t splits = d == 3 ? 3 : 2;
  const bool cheap =
      static_cast<double>(splits - 1) * again <= 0.03 * step_cost;
  return cheap && work > kWholeWork ? splits : 1;
}

void plan_lanes(const SignatureShape& shape, int lanes, SignaturePlan& plan) {
  plan.pieces = choose_pieces(shape, lanes);
  plan.increments = divide_up(plan.path_increments, plan.pieces);
  const Lanes use = choose_lanes(shape, shape.batch * plan.pieces, lanes);
  plan.lanes = lanes;
  plan.prefix_levels = use.prefix_levels;
  plan.prefixes = words_of_level(shape.channels, plan.prefix_levels);
  plan.pairs = shape.batch * plan.pieces * plan.prefixes;
  plan.groups = use.groups;
  plan.splits = choose_splits(shape, plan, use.step_cost);
  plan.tasks = plan.groups * plan.splits;
  plan.slots = std::min(plan.tasks, SignaturePlan::kMaxSlots);
  plan.parallel =
      static_cast<double>(plan.groups * plan.increments) * use.step_cost >
      kSerialWork;
}

void plan_levels(const SignatureShape& shape, SignaturePlan& plan) {
  std::int64_t column = shape.scalar_term && plan.pieces == 1 ? 1 : 0;
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
  plan.columns = column;
}

// Most steps of a backward block. Three letters' tiles are so fast that they
// wait for sums of the nodes above them that have left the first-level cache.
std::int64_t longest_backward_block(const SignatureShape& shape,
                                    int vector_bytes,
                                    const SignaturePlan& plan) {
  if (vector_bytes != 64 || shape.channels != 3 || shape.depth < 4)
    return kLongBlock;
  const std::int64_t states =
      plan.groups * (divide_up(plan.increments, kShortBlock) + 1);
  const std::int64_t path = plan.pairs * plan.increments * shape.channels;
  const std::int64_t vectors =
      states * plan.low_words + 2 * divide_up(path, plan.lanes);
  return vectors * vector_bytes <= kShortBlockBytes ? kShortBlock : kLongBlock;
}

void plan_time(const SignatureShape& shape, int vector_bytes,
               SignaturePlan& plan) {
  const std::int64_t steps = plan.increments, d = shape.channels;
  // Up to four letters a word of level N - 2 with all below it is one tile; the
  // sums of its siblings are what fills the cache then.
  const std::int64_t siblings = d <= 4 && shape.depth > 3 ? 3 * d : 0;
  plan.forward_steps = even_steps(steps, d + 3 + siblings, vector_bytes, 64);
  // Backward, wider tiles store their own sums as well.
  const std::int64_t own = d <= 4 ? 0 : 5;
  plan.backward_steps =
      even_steps(steps, 2 * d + 5 + own, vector_bytes,
                 longest_backward_block(shape, vector_bytes, plan));
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

// Whether gradients of a path's points come from several lanes or tasks.
bool sums_gradients(const SignaturePlan& plan) {
  return plan.prefix_levels > 0 || plan.pieces > 1 || plan.splits > 1;
}

void plan_slot(const SignatureShape& shape, int vector_bytes,
               SignaturePlan& plan) {
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
  plan.leaf_partials_at = take(SignaturePlan::kMaxLeafWords * block);
  plan.history_at =
      take(shape.stream ? block * SignaturePlan::kMaxLeafWords * (d + 1) : 0);
  plan.low_at = take(plan.low_words);
  plan.top_at = take(plan.top_words);
  plan.rows_at = take(sums_gradients(plan) ? block * d : 0);
  plan.prefix_low_at = take(plan.splits * plan.prefix_levels);
  take(kScratchGap / vector_bytes);
}

void plan_memory(const SignatureShape& shape, int element_bytes,
                 SignaturePlan& plan) {
  const std::size_t vector_bytes = plan.lanes * element_bytes;
  plan.saved_bytes =
      plan.tasks * (plan.checkpoints + 1) * plan.low_words * vector_bytes;
  plan.saved_joined_byte = plan.saved_bytes;
  if (plan.splits > 1) plan.saved_bytes += vector_bytes;
  std::size_t end = plan.slots * plan.slot_vectors * vector_bytes;
  plan.partials_byte = end;
  if (sums_gradients(plan)) {
    plan.partial_paths = plan.lanes / plan.prefixes + 2;
    plan.partial_elements = plan.increments * shape.channels +
                            plan.level_column[plan.prefix_levels + 1] -
                            plan.level_column[1];
    end +=
        plan.tasks * plan.partial_paths * plan.partial_elements * element_bytes;
  }
  plan.basepoints_byte = end;
  if (shape.basepoint == BasepointKind::shared)
    end += shape.batch * shape.channels * element_bytes;
  plan.workspace_bytes = end;
  if (plan.pieces > 1) plan_pieces_memory(shape, element_bytes, plan);
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
  plan.path_increments = shape.increments();
  plan.rows = shape.rows();
  plan_lanes(shape, lanes, plan);
  plan_levels(shape, plan);
  plan_time(shape, lanes * element_bytes, plan);
  plan_slot(shape, lanes * element_bytes, plan);
  plan_memory(shape, element_bytes, plan);
  return plan;
}

}  // namespace sigtape::cpu
