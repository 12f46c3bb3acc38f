// The signature with one (path, prefix) pair in each lane, compiled for every
// instruction set: a group of pairs at a time, forward through the path and,
// from the checkpoints that forward left, back again. See signature_plan.h for
// the terms and signature_walk_simd.h for what happens in a block of time.

#include "sigtape/layers/signature/signature_table.h"
#include "sigtape/layers/signature/signature_walk_back_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {
namespace {

using cpu::SignaturePlan;

// One call, and the scratch memory of one slot.
template <class T>
struct Call {
  const SignatureShape& shape;
  const SignaturePlan& plan;
  const SignatureInputs<T>& inputs;
  Vec<T>* scratch;

  Call(const SignatureShape& shape, const SignaturePlan& plan,
       const SignatureInputs<T>& inputs, void* workspace, std::int64_t slot)
      : shape(shape),
        plan(plan),
        inputs(inputs),
        scratch(static_cast<Vec<T>*>(workspace) + slot * plan.slot_vectors) {}
};

template <class T>
SIGTAPE_INLINE void clear(Vec<T>* v, std::int64_t count) {
  __builtin_memset(v, 0, count * sizeof(Vec<T>));
}

template <class T>
SIGTAPE_INLINE void copy(const Vec<T>* from, std::int64_t count, Vec<T>* to) {
  __builtin_memcpy(to, from, count * sizeof(Vec<T>));
}

// Increments of each lane's piece, not counting those after its path's end;
// not above 0 where it starts there.
template <class T>
SIGTAPE_INLINE Vec<T> true_increments(const Call<T>& call,
                                      const Pairs<T>& pairs) {
  Vec<T> count;
  for (int lane = 0; lane < lanes<T>(); ++lane) {
    const std::int64_t unused =
        call.shape.lengths
            ? call.shape.length - call.inputs.lengths[pairs.path[lane]]
            : 0;
    const std::int64_t end =
        call.plan.piece_begin(pairs.piece[lane] % call.plan.pieces + 1);
    const std::int64_t path_end = call.plan.path_increments - unused;
    count[lane] =
        static_cast<T>((end < path_end ? end : path_end) - pairs.first[lane]);
  }
  return count;
}

// Whether lanes may end before the last step.
template <class T>
SIGTAPE_INLINE bool has_padding(const Call<T>& call) {
  return call.shape.lengths ||
         call.plan.increments * call.plan.pieces != call.plan.path_increments;
}

// Zeroes what belongs to increments after a piece's or path's end, [steps][d]
// from increment `first` of the piece on.
template <class T>
void clear_padding(const Call<T>& call, const Pairs<T>& pairs,
                   std::int64_t first, std::int64_t steps, Vec<T>* increments) {
  const std::int64_t d = call.shape.channels;
  const Vec<T> count = true_increments(call, pairs);
  for (std::int64_t t = 0; t < steps; ++t) {
    const Mask<T> real = broadcast(static_cast<T>(first + t)) < count;
    for (std::int64_t j = 0; j < d; ++j)
      increments[t * d + j] = real ? increments[t * d + j] : Vec<T>{};
  }
}

// Point 0 of the pieces, [d]: the basepoint in those that start a path, which
// has a basepoint.
template <class T>
void load_first_point(const Call<T>& call, const Pairs<T>& pairs,
                      Vec<T>* point) {
  const std::int64_t d = call.shape.channels;
  const BasepointKind kind = call.shape.basepoint;
  const T* rows[lanes<T>()];
  Mask<T> origin = {};
  for (int lane = 0; lane < lanes<T>(); ++lane) {
    const bool starts = pairs.first[lane] == 0;
    const std::int64_t path = pairs.path[lane];
    const std::int64_t row =
        path * call.shape.length + (starts ? 0 : pairs.first[lane] - 1);
    rows[lane] = call.inputs.path + row * d;
    if (starts && kind == BasepointKind::zero) origin[lane] = -1;
    if (starts && kind == BasepointKind::shared)
      rows[lane] = call.inputs.basepoint;
    if (starts && kind == BasepointKind::per_path)
      rows[lane] = call.inputs.basepoint + path * d;
  }
  to_lanes<T>(rows, d, point);
  if (kind != BasepointKind::zero) return;
  for (std::int64_t j = 0; j < d; ++j) point[j] = origin ? Vec<T>{} : point[j];
}

// Increments first .. first + steps - 1 of the pieces, [steps][d]; the d
// vectors before them are overwritten.
template <class T>
void load_differences(const Call<T>& call, const Pairs<T>& pairs,
                      std::int64_t first, std::int64_t steps,
                      Vec<T>* increments) {
  const std::int64_t d = call.shape.channels;
  const std::int64_t based = call.shape.basepoint != BasepointKind::none;
  const bool from_base = based && first == 0;
  if (from_base) load_first_point(call, pairs, increments - d);
  const Vec<T>* before = from_base ? increments - d : nullptr;
  const T* rows[lanes<T>()];
  for (int lane = 0; lane < lanes<T>(); ++lane)
    rows[lane] =
        call.inputs.path + (pairs.path[lane] * call.shape.length +
                            pairs.first[lane] + first - based + from_base) *
                               d;
  // Lanes are in the order of their pieces: one piece fills all of them.
  if (rows[0] == rows[lanes<T>() - 1] && !before) {
    const T* of_all = rows[0];
    for (std::int64_t k = 0; k < steps * d; ++k)
      increments[k] = broadcast(of_all[k + d]) - broadcast(of_all[k]);
    return;
  }
  lane_differences<T>(rows, (steps + !before) * d, d, before,
                      increments - (before ? 0 : d));
}

// masks[k * d + j]: lanes whose prefix has j as letter k.
template <class T>
void load_masks(const Call<T>& call, const Pairs<T>& pairs, Mask<T>* masks) {
  const std::int64_t d = call.shape.channels;
  for (int lane = 0; lane < lanes<T>(); ++lane) {
    std::int64_t rest = pairs.prefix[lane];
    for (int k = call.plan.prefix_levels - 1; k >= 0; --k) {
      for (std::int64_t j = 0; j < d; ++j)
        masks[k * d + j][lane] = rest % d == j ? -1 : 0;
      rest /= d;
    }
  }
}

template <class T>
SIGTAPE_INLINE Mask<T>* masks_of(const Call<T>& call) {
  return reinterpret_cast<Mask<T>*>(call.scratch + call.plan.masks_at);
}

// A block's increments; behind room for one more.
template <class T>
SIGTAPE_INLINE Vec<T>* increments_of(const Call<T>& call) {
  return call.scratch + call.plan.increments_at + call.shape.channels;
}

// A block's increments [steps][d], and for each letter of the prefix the
// increment of that letter, [Q][steps].
template <class T>
void load_increments(const Call<T>& call, const Pairs<T>& pairs,
                     std::int64_t first, std::int64_t steps) {
  const std::int64_t d = call.shape.channels;
  Vec<T>* increments = increments_of(call);
  load_differences(call, pairs, first, steps, increments);
  if (has_padding(call)) clear_padding(call, pairs, first, steps, increments);
  Vec<T>* of_prefix = call.scratch + call.plan.prefix_increments_at;
  for (int k = 0; k < call.plan.prefix_levels; ++k) {
    const Mask<T>* masks = masks_of(call) + k * d;
    for (std::int64_t t = 0; t < steps; ++t) {
      Vec<T> chosen = increments[t * d];
      for (std::int64_t j = 1; j < d; ++j)
        chosen = masks[j] ? increments[t * d + j] : chosen;
      of_prefix[k * call.plan.block_steps + t] = chosen;
    }
  }
}

template <class T, class Row>
LaneRows<T, Row> lane_rows(const Call<T>& call, const Pairs<T>& pairs,
                           Row* array, std::int64_t rows) {
  LaneRows<T, Row> of;
  of.plan = &call.plan;
  of.channels = call.shape.channels;
  of.inverse = call.shape.inverse;
  of.pairs = pairs;
  for (int lane = 0; lane < lanes<T>(); ++lane)
    of.row[lane] = array + pairs.piece[lane] * rows * call.plan.columns;
  return of;
}

// What all blocks of a group have in common.
template <class T>
Block<T> whole_path(const Call<T>& call, const Pairs<T>& pairs,
                    std::int64_t block_steps) {
  const SignaturePlan& plan = call.plan;
  Block<T> block = {};
  block.plan = &plan;
  block.channels = call.shape.channels;
  block.depth = call.shape.depth;
  block.split = pairs.split;
  block.prefix_stride = plan.block_steps;
  block.root = call.scratch + plan.root_at;
  for (int k = 0; k < block.depth; ++k)
    block.root[k] = broadcast(T(1) / static_cast<T>(k + 1));
  block.partials = call.scratch + plan.partials_at;
  block.partial_steps = block_steps;
  block.leaf_partials = call.scratch + plan.leaf_partials_at;
  block.history = call.shape.stream ? call.scratch + plan.history_at : nullptr;
  block.increments = increments_of(call);
  block.prefix_increments = call.scratch + plan.prefix_increments_at;
  block.dincrements = call.scratch + plan.dincrements_at + block.channels;
  block.dprefix_increments = call.scratch + plan.dprefix_increments_at;
  block.top = call.scratch + plan.top_at;
  block.dlow = call.scratch + plan.low_at;
  block.dpartials = call.scratch + plan.dpartials_at;
  return block;
}

// Moves to the block that starts at increment `first`, and loads it.
template <class T>
void place_block(const Call<T>& call, const Pairs<T>& pairs, std::int64_t first,
                 Block<T>& block) {
  const SignaturePlan& plan = call.plan;
  const std::int64_t left = plan.increments - first;
  block.steps = left < block.partial_steps ? left : block.partial_steps;
  block.stream.first_row = first;
  load_increments(call, pairs, first, block.steps);
}

template <class T>
void start_state(const Call<T>& call, const Pairs<T>& pairs, Vec<T>* low,
                 Vec<T>* top) {
  const SignaturePlan& plan = call.plan;
  const int depth = call.shape.depth;
  if (call.shape.initial)
    return lane_rows(call, pairs, call.inputs.initial, 1)
        .read_state(0, false, depth, low, top);
  // The top level is cleared where the walk gets to it.
  for (int level = 1; level < depth; ++level) {
    const WordRange words = words_of_task(plan, pairs.split, level);
    clear<T>(low + plan.level_start[level] + words.begin, words.count);
  }
}

// The scalar terms of `rows` rows a path, by one task of each path: those of
// its other prefixes and letters may run at the same time.
template <class T>
void write_scalar_terms(const Call<T>& call, const Pairs<T>& pairs,
                        std::int64_t rows, T value, T* to) {
  if (!call.shape.scalar_term || pairs.split != 0) return;
  for (int lane = 0; lane < pairs.real; ++lane) {
    if (pairs.prefix[lane] != 0) continue;
    T* row = to + pairs.path[lane] * rows * call.plan.columns;
    for (std::int64_t k = 0; k < rows; ++k) row[k * call.plan.columns] = value;
  }
}

template <class T>
void forward_task(const Call<T>& call, std::int64_t task, T* signature,
                  Vec<T>* saved) {
  const SignaturePlan& plan = call.plan;
  const Pairs<T> pairs = pairs_of_task<T>(plan, task);
  const LaneRows<T, T> results = lane_rows(call, pairs, signature, plan.rows);
  load_masks(call, pairs, masks_of(call));
  Block<T> block =
      whole_path(call, pairs, saved ? plan.backward_steps : plan.forward_steps);
  block.stream.results = &results;
  Vec<T>* state = call.scratch + plan.low_at;
  Vec<T>* checkpoint =
      saved ? saved + task * (plan.checkpoints + 1) * plan.low_words : nullptr;
  Vec<T>* low = saved ? checkpoint : state;
  start_state(call, pairs, low, block.top);
  for (std::int64_t t = 0; t < plan.increments; t += block.partial_steps) {
    place_block(call, pairs, t, block);
    block.low = low;
    if (saved) low += plan.low_words;
    block.low_after = low;
    block.new_top = t == 0 && !call.shape.initial;
    walk<T>(block, 1, 0, block.root, 0);
  }
  if (!call.shape.stream)
    results.write_state(0, 1, block.depth, low, block.top);
  write_scalar_terms(call, pairs, plan.rows, T(1), signature);
}

// The gradients of a block's points from those of its increments, which stand
// at [1] .. [steps] of [steps + 2][d] with the first one of the block after it
// behind them, and before them zeros: point p gets the increment that ends
// there less the one that starts there. Point 0 may be the basepoint.
template <class T>
void write_point_gradients(const Call<T>& call, const Pairs<T>& pairs,
                           const Block<T>& block,
                           const SignatureGradients<T>& gradients,
                           T* basepoints) {
  const std::int64_t d = call.shape.channels;
  const std::int64_t based = call.shape.basepoint != BasepointKind::none;
  const Vec<T>* from = block.dincrements;
  std::int64_t point = block.stream.first_row + 1, count = block.steps;
  T* rows[lanes<T>()];
  if (point == 1 && basepoints) {
    for (int lane = 0; lane < lanes<T>(); ++lane)
      rows[lane] = basepoints + pairs.path[lane] * d;
    differences_to_rows<T>(from - d, d, d, rows);
  }
  if (!gradients.path) return;
  if (point == 1 && !based) {
    from -= d;
    --point;
    ++count;
  }
  for (int lane = 0; lane < lanes<T>(); ++lane)
    rows[lane] = gradients.path +
                 (pairs.path[lane] * call.shape.length + point - based) * d;
  differences_to_rows<T>(from, count * d, d, rows);
}

// Adds the gradients of the prefixes' letters to those of the increments, two
// levels of the prefix at a time.
template <class T>
void fold_prefix_gradients(const Call<T>& call, const Block<T>& block) {
  const std::int64_t d = call.shape.channels;
  const int levels = call.plan.prefix_levels;
  for (int k = 0; k < levels; k += 2) {
    const bool pair = k + 1 < levels;
    const Mask<T>* masks = masks_of(call) + k * d;
    const Vec<T>* of_first = block.dprefix_increments + k * block.prefix_stride;
    const Vec<T>* of_second = of_first + (pair ? block.prefix_stride : 0);
    for (std::int64_t j = 0; j < d; ++j) {
      const Mask<T> first = masks[j];
      const Mask<T> second = pair ? masks[d + j] : Mask<T>{};
      Vec<T>* __restrict to = block.dincrements + j;
      for (std::int64_t t = 0; t < block.steps; ++t, to += d) {
        const Vec<T> sum = *to + (first ? of_first[t] : Vec<T>{});
        *to = sum + (second ? of_second[t] : Vec<T>{});
      }
    }
  }
}

// Zeros in the lanes that repeat a pair.
template <class T>
void clear_repeats(const Pairs<T>& pairs, Vec<T>* v, std::int64_t count) {
  Mask<T> real = {};
  for (int lane = 0; lane < pairs.real; ++lane) real[lane] = -1;
  for (std::int64_t k = 0; k < count; ++k) v[k] = real ? v[k] : Vec<T>{};
}

// Sums of a block's gradients over the lanes of each piece, into the group's
// part of partial sums [partial_paths][partial_elements], in a fixed order.
template <class T>
void write_partial_sums(const Call<T>& call, const Pairs<T>& pairs,
                        const Block<T>& block, T* sums) {
  const SignaturePlan& plan = call.plan;
  const std::int64_t d = call.shape.channels, count = block.steps * d;
  if (pairs.piece[0] == pairs.piece[pairs.real - 1]) {
    if (pairs.real < lanes<T>()) clear_repeats(pairs, block.dincrements, count);
    return sum_lanes<T>(block.dincrements, count,
                        sums + block.stream.first_row * d);
  }
  T* rows[lanes<T>()];
  T* base = reinterpret_cast<T*>(call.scratch + plan.rows_at);
  for (int lane = 0; lane < lanes<T>(); ++lane)
    rows[lane] = base + lane * count;
  to_rows<T>(block.dincrements, count, rows);
  for (int lane = 0; lane < pairs.real; ++lane) {
    T* __restrict sum =
        sums + (pairs.piece[lane] - pairs.piece[0]) * plan.partial_elements +
        block.stream.first_row * d;
    const T* __restrict row = rows[lane];
    for (std::int64_t k = 0; k < count; ++k) sum[k] += row[k];
  }
}

// The same of what is left for the state before the path: words of levels up
// to Q, whose lanes stand side by side.
template <class T>
void write_state_sums(const Call<T>& call, const Pairs<T>& pairs,
                      const Vec<T>* dlow, T* sums) {
  const SignaturePlan& plan = call.plan;
  for (int lane = 0; lane < pairs.real; ++lane) {
    T* words = sums +
               (pairs.piece[lane] - pairs.piece[0]) * plan.partial_elements +
               plan.increments * call.shape.channels;
    std::int64_t lanes_of_word = plan.prefixes;
    for (int level = 1; level <= plan.prefix_levels; ++level) {
      lanes_of_word /= call.shape.channels;
      words[pairs.prefix[lane] / lanes_of_word] +=
          dlow[plan.level_start[level]][lane];
      words += plan.prefixes / lanes_of_word;
    }
  }
}

// Where the gradients of increments start a block: zeros, unless the walk
// begins with others, and behind them the first ones of the block after this.
template <class T>
void start_gradients(const Call<T>& call, Block<T>& block, bool last) {
  const std::int64_t d = block.channels;
  if (last) {
    clear<T>(block.dincrements - d, d);
    clear<T>(block.dincrements, d);
  }
  for (std::int64_t j = 0; j < d; ++j)
    block.dincrements[block.steps * d + j] = block.dincrements[j];
  block.first_twig = -1;
  if (begins_with_twig(block)) {
    block.first_twig =
        words_of_task(call.plan, block.split, block.depth - 2).begin;
  } else {
    clear<T>(block.dincrements, block.steps * d);
  }
  if (call.plan.prefix_levels > 0)
    clear<T>(block.dprefix_increments,
             call.plan.prefix_levels * block.prefix_stride);
}

template <class T>
void backward_block(const Call<T>& call, const Pairs<T>& pairs,
                    const SignatureGradients<T>& gradients, T* partial_sums,
                    T* basepoints, Block<T>& block) {
  walk_back<T>(block, 1, 0, block.root, 0, block.dpartials);
  fold_prefix_gradients(call, block);
  if (has_padding(call))
    clear_padding(call, pairs, block.stream.first_row, block.steps,
                  block.dincrements);
  if (call.plan.partial_paths > 0) {
    write_partial_sums(call, pairs, block, partial_sums);
  } else {
    write_point_gradients(call, pairs, block, gradients, basepoints);
  }
}

// Where a path's gradient of its basepoint goes; null: not wanted.
template <class T>
T* basepoint_gradients(const Call<T>& call,
                       const SignatureGradients<T>& gradients, T* of_paths) {
  const BasepointKind kind = call.shape.basepoint;
  if (!gradients.basepoint) return nullptr;
  return kind == BasepointKind::shared     ? of_paths
         : kind == BasepointKind::per_path ? gradients.basepoint
                                           : nullptr;
}

// A task's gradients, [partial_paths][partial_elements].
template <class T>
T* sums_of_task(const Call<T>& call, T* partial_sums, std::int64_t task) {
  const SignaturePlan& plan = call.plan;
  return partial_sums + task * plan.partial_paths * plan.partial_elements;
}

// What the tasks of a group start from: zeros in their sums, and the cotangents
// of their words, those of the words up to the prefix in `prefixes`,
// [tasks][Q].
template <class T>
void start_tasks(const Call<T>& call, std::int64_t task, std::int64_t count,
                 Pairs<T> pairs, LaneRows<T, const T>& cotangents,
                 const Block<T>& block, T* partial_sums, Vec<T>* prefixes) {
  const SignaturePlan& plan = call.plan;
  __builtin_memset(
      sums_of_task(call, partial_sums, task), 0,
      count * plan.partial_paths * plan.partial_elements * sizeof(T));
  for (std::int64_t i = 0; i < count; ++i) {
    if (call.shape.stream) {
      clear<T>(block.dlow, plan.low_words);
      clear<T>(block.top, plan.top_words);
    } else {
      cotangents.pairs.split = pairs.split + i;
      cotangents.read_state(0, true, block.depth, block.dlow, block.top);
    }
    copy<T>(block.dlow, plan.prefix_levels, prefixes + i * plan.prefix_levels);
  }
}

// The tasks `task` to task + count - 1, which are of one group: block by block,
// so that they share its increments and the sums of the words up to the prefix.
template <class T>
void backward_tasks(const Call<T>& call, std::int64_t task, std::int64_t count,
                    const Vec<T>* saved, const T* dsignature,
                    const SignatureGradients<T>& gradients, T* partial_sums,
                    T* basepoints) {
  const SignaturePlan& plan = call.plan;
  Pairs<T> pairs = pairs_of_task<T>(plan, task);
  const std::int64_t split = pairs.split;
  LaneRows<T, const T> cotangents =
      lane_rows(call, pairs, dsignature, plan.rows);
  load_masks(call, pairs, masks_of(call));
  Block<T> block = whole_path(call, pairs, plan.backward_steps);
  block.stream.cotangents = &cotangents;
  Vec<T>* const prefixes = call.scratch + plan.prefix_low_at;
  start_tasks(call, task, count, pairs, cotangents, block, partial_sums,
              prefixes);
  T* based = basepoint_gradients(call, gradients, basepoints);
  for (std::int64_t k = plan.checkpoints - 1; k >= 0; --k) {
    place_block(call, pairs, k * plan.backward_steps, block);
    for (std::int64_t i = 0; i < count; ++i) {
      Vec<T>* const prefix = prefixes + i * plan.prefix_levels;
      copy<T>(prefix, plan.prefix_levels, block.dlow);
      block.split = split + i;
      start_gradients(call, block, k == plan.checkpoints - 1);
      block.prefix_walked = i > 0;
      block.low =
          saved + (plan.checkpoints_of(task + i) * (plan.checkpoints + 1) + k) *
                      plan.low_words;
      block.low_end = block.low + plan.low_words;
      backward_block(call, pairs, gradients,
                     sums_of_task(call, partial_sums, task + i), based, block);
      copy<T>(block.dlow, plan.prefix_levels, prefix);
    }
  }
  for (std::int64_t i = 0; i < count; ++i) {
    pairs.split = split + i;
    if (plan.prefix_levels > 0)
      write_state_sums(call, pairs, prefixes + i * plan.prefix_levels,
                       sums_of_task(call, partial_sums, task + i));
    if (!gradients.initial) continue;
    lane_rows(call, pairs, gradients.initial, 1)
        .write_state(0, plan.prefix_levels + 1, block.depth, block.dlow,
                     block.top);
    write_scalar_terms(call, pairs, 1, T(0), gradients.initial);
  }
}

template <class T>
void forward(const SignatureShape& shape, const SignaturePlan& plan,
             const SignatureInputs<T>& inputs, T* signature, void* saved,
             void* workspace, std::int64_t slot, std::int64_t task) {
  const Call<T> call(shape, plan, inputs, workspace, slot);
  forward_task(call, task, signature, static_cast<Vec<T>*>(saved));
}

template <class T>
void backward(const SignatureShape& shape, const SignaturePlan& plan,
              const SignatureInputs<T>& inputs, const void* saved,
              const T* dsignature, const SignatureGradients<T>& gradients,
              void* workspace, std::int64_t slot, std::int64_t task,
              std::int64_t count) {
  const Call<T> call(shape, plan, inputs, workspace, slot);
  auto* bytes = static_cast<unsigned char*>(workspace);
  backward_tasks(call, task, count, static_cast<const Vec<T>*>(saved),
                 dsignature, gradients,
                 reinterpret_cast<T*>(bytes + plan.partials_byte),
                 reinterpret_cast<T*>(bytes + plan.basepoints_byte));
}

}  // namespace

const cpu::SignatureTable<float> signature_float32 = {
    lanes<float>(), forward<float>, backward<float>};
const cpu::SignatureTable<double> signature_float64 = {
    lanes<double>(), forward<double>, backward<double>};

}  // namespace sigtape::SIGTAPE_ISA_NAME
