// The stream of signatures and the convolution that reads it, compiled for
// every instruction set: tasks of subtrees, each walked through time with its
// products. See signature_conv1d_plan.h for the terms.

#include "sigtape/framework/simd/denormals_simd.h"
#include "sigtape/layers/signature/signature_conv1d_products_simd.h"
#include "sigtape/layers/signature/signature_conv1d_walk_simd.h"
#include "sigtape/layers/signature/signature_conv1d_words_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {
namespace {

// The range of numbers that part `index` of `parts` has of 0 .. count - 1.
struct Range {
  std::int64_t begin, end;
  Range(std::int64_t count, std::int64_t index, std::int64_t parts)
      : begin(count * index / parts), end(count * (index + 1) / parts) {}
};

// One task: its ranges, its scratch memory, and the unit it is at. Weight is T
// where all lanes hold one subtree, Vec<T> where replicas hold their own.
template <class T, class Weight>
struct Task {
  const Call<T>& call;
  const Places<T> places;
  const std::int64_t unit_range;
  const Range groups, units;
  Vec<T>* const slot;
  Subtree<T> subtree;
  ProductSizes sizes;

  Task(const Call<T>& call, std::int64_t task)
      : call(call),
        places(call),
        unit_range(task % call.plan.unit_ranges),
        groups(call.plan.groups, task / call.plan.unit_ranges,
               call.plan.group_ranges),
        units(call.plan.units, unit_range, call.plan.unit_ranges),
        slot(places.slot(task)) {
    const SignatureConv1dPlan& plan = call.plan;
    subtree.plan = &plan;
    subtree.channels = call.shape.channels;
    subtree.depth = call.shape.depth;
    Vec<T>* inverses = slot + plan.inverses_at;
    for (int n = 1; n <= subtree.depth; ++n)
      inverses[n] = broadcast(T(1) / static_cast<T>(n));
    subtree.inverses = inverses;
    subtree.prefix_partials = slot + plan.prefix_partials_at;
    subtree.partials = slot + plan.partials_at;
    subtree.dpartials = slot + plan.dpartials_at;
    subtree.letter_stride = replicated() ? 1 : subtree.channels;
    sizes = {0, plan.row_words, plan.row_stride, call.shape.outputs,
             call.shape.kernel};
  }

  static constexpr bool replicated() { return sizeof(Weight) > sizeof(T); }
  Weight* weights() const {
    return reinterpret_cast<Weight*>(slot + call.plan.weights_at);
  }
  // Rows of words; that of the first step is the second.
  Vec<T>* rows() const { return slot + call.plan.rows_at; }
  Vec<T>* letters(int k) const {
    return slot + call.plan.letters_at + k * call.plan.padded_steps;
  }
  Vec<T>* dletters(int k) const {
    return slot + call.plan.dletters_at + k * call.plan.padded_steps;
  }
  // Lanes whose prefix has j as its k-th letter, at [k * channels + j].
  Mask<T>* masks() const {
    return reinterpret_cast<Mask<T>*>(slot + call.plan.masks_at);
  }

  void start_unit(std::int64_t unit) {
    sizes.words = pack_weights(call, paths_of_group(call, 0), unit, weights());
  }

  void find_letters(std::int64_t unit, int lane, std::int64_t* letter) const {
    std::int64_t rest = unit;
    if (replicated()) {
      const Paths<T> paths = paths_of_group(call, 0);
      rest = prefix_of(call, unit, paths.replica[lane]);
    }
    for (int k = call.plan.prefix_letters - 1; k >= 0; --k) {
      letter[k] = rest % call.shape.channels;
      rest /= call.shape.channels;
    }
  }

  // Points the walk to a group's increments of the prefix's letters.
  void start_group(std::int64_t unit, std::int64_t group, Vec<T>* dx) {
    std::int64_t letter[kMaxDepth];
    const Vec<T>* x = places.increments(group);
    if (replicated()) return choose_letters(unit, x);
    find_letters(unit, 0, letter);
    for (int k = 0; k < call.plan.prefix_letters; ++k) {
      subtree.letters[k] = x + letter[k];
      subtree.dletters[k] = dx ? dx + letter[k] : nullptr;
    }
  }

  void choose_letters(std::int64_t unit, const Vec<T>* x) {
    const std::int64_t d = call.shape.channels;
    const int prefix = call.plan.prefix_letters;
    for (int lane = 0; lane < lanes<T>(); ++lane) {
      std::int64_t letter[kMaxDepth];
      find_letters(unit, lane, letter);
      for (int k = 0; k < prefix; ++k)
        for (std::int64_t j = 0; j < d; ++j)
          masks()[k * d + j][lane] = letter[k] == j ? -1 : 0;
    }
    for (int k = 0; k < prefix; ++k) {
      subtree.letters[k] = letters(k);
      subtree.dletters[k] = dletters(k);
      for (std::int64_t t = 0; t < call.plan.padded_steps; ++t) {
        Vec<T> chosen = x[t * d];
        for (std::int64_t j = 1; j < d; ++j)
          chosen = masks()[k * d + j] ? x[t * d + j] : chosen;
        letters(k)[t] = chosen;
      }
    }
  }

  // Adds the gradients of the prefixes' letters to those of the increments.
  void fold_letters(Vec<T>* dx) const {
    const std::int64_t d = call.shape.channels;
    for (int k = 0; k < call.plan.prefix_letters; ++k)
      for (std::int64_t t = 0; t < call.plan.padded_steps; ++t)
        for (std::int64_t j = 0; j < d; ++j)
          dx[t * d + j] += masks()[k * d + j] ? dletters(k)[t] : Vec<T>{};
  }
};

template <class T, class Weight, int D>
void walk_forward(const Task<T, Weight>& task, const Vec<T>* dx, Vec<T>* y) {
  const std::int64_t stride = task.sizes.row_stride;
  Vec<T>* rows = task.rows();
  Vec<T>* last = rows + kTimes * stride;
  clear<T>(last, stride);
  const std::int64_t d = task.call.shape.channels;
  for (std::int64_t t = 0; t < task.call.plan.steps; t += kTimes) {
    const Vec<T>* from = last;
    for (int q = 0; q < kTimes; ++q) {
      Vec<T>* to = rows + (q + 1) * stride;
      step<T, D>(task.subtree, t + q, dx + (t + q) * d, from, to);
      from = to;
    }
    convolve<T, Weight>(task.sizes, rows + stride, task.weights(),
                        y + t * task.sizes.outputs);
  }
}

template <class T>
void start_y(const Call<T>& call, const Places<T>& places, Vec<T>* y,
             std::int64_t unit_range, const Paths<T>& paths) {
  clear<T>(y, places.rows);
  if (unit_range > 0 || !call.inputs.bias) return;
  for (std::int64_t o = 0; o < call.shape.outputs; ++o) {
    Vec<T> bias;
    for (int lane = 0; lane < lanes<T>(); ++lane)
      bias[lane] = paths.replica[lane] == 0 ? call.inputs.bias[o] : T(0);
    for (std::int64_t k = o; k < places.rows; k += call.shape.outputs)
      y[k] = bias;
  }
}

template <class T, class Weight, int D>
void forward_units(const Call<T>& call, std::int64_t index) {
  Task<T, Weight> task(call, index);
  for (std::int64_t g = task.groups.begin; g < task.groups.end; ++g)
    start_y(call, task.places, task.places.y(task.unit_range, g),
            task.unit_range, paths_of_group(call, g));
  for (std::int64_t unit = task.units.begin; unit < task.units.end; ++unit) {
    task.start_unit(unit);
    for (std::int64_t g = task.groups.begin; g < task.groups.end; ++g) {
      task.start_group(unit, g, nullptr);
      walk_forward<T, Weight, D>(
          task, task.places.increments(g),
          task.places.y(task.unit_range, g) + task.places.first_row());
    }
  }
}

// Walks a block's rows again, and goes back through it.
template <class T, class Weight, int D>
void block_back(const Task<T, Weight>& task, std::int64_t group,
                std::int64_t first, std::int64_t steps, Vec<T>* ddx) {
  const SignatureConv1dPlan& plan = task.call.plan;
  const std::int64_t stride = plan.row_stride, d = task.call.shape.channels;
  const std::int64_t outputs = task.sizes.outputs;
  const Vec<T>* dx = task.places.increments(group);
  Vec<T>* rows = task.rows();
  for (std::int64_t q = 0; q < steps; ++q)
    step<T, D>(task.subtree, first + q, dx + (first + q) * d, rows + q * stride,
               rows + (q + 1) * stride);
  const std::int64_t at = task.places.first_row() + first * outputs;
  const GradientRows<T> products = {
      rows + stride, steps, task.places.dy(group) + at,
      group == task.groups.begin && first + steps == plan.walked_steps};
  add_weight_gradients<T>(task.sizes, products, task.slot + plan.dweights_at);
  Vec<T>* direct = task.slot + plan.cotangents_at;
  for (std::int64_t q = steps - kCotangentTimes; q >= 0; q -= kCotangentTimes) {
    cotangents<T, Weight>(task.sizes, task.weights(),
                          task.places.dy_sums(group) + at + q * outputs,
                          direct);
    for (int z = kCotangentTimes - 1; z >= 0; --z) {
      const std::int64_t t = first + q + z;
      step_back<T, D>(task.subtree, t, dx + t * d, rows + (q + z) * stride,
                      direct + z * stride, task.slot + plan.later_at,
                      ddx + t * d);
    }
  }
}

template <class T, class Weight, int D>
void walk_back(const Task<T, Weight>& task, std::int64_t group, Vec<T>* ddx) {
  const SignatureConv1dPlan& plan = task.call.plan;
  const std::int64_t stride = plan.row_stride, d = task.call.shape.channels;
  const Vec<T>* dx = task.places.increments(group);
  Vec<T>* checkpoints = task.slot + plan.checkpoints_at;
  Vec<T>* rows = task.rows();
  clear<T>(rows, stride);
  for (std::int64_t b = 0; b < plan.blocks; ++b) {
    copy<T>(checkpoints + b * stride, rows, stride);
    if (b + 1 == plan.blocks) break;
    const std::int64_t first = b * plan.block_steps;
    for (std::int64_t t = first; t < first + plan.block_steps; ++t)
      step<T, D>(task.subtree, t, dx + t * d, rows, rows);
  }
  // Words that others answer for have no cotangent of their own.
  clear<T>(task.slot + plan.cotangents_at, kCotangentTimes * stride);
  clear<T>(task.slot + plan.later_at, stride);
  for (std::int64_t b = plan.blocks - 1; b >= 0; --b) {
    const std::int64_t first = b * plan.block_steps;
    const std::int64_t left = plan.walked_steps - first;
    copy<T>(rows, checkpoints + b * stride, stride);
    block_back<T, Weight, D>(task, group, first,
                             left < plan.block_steps ? left : plan.block_steps,
                             ddx);
  }
}

template <class T, class Weight>
void finish_unit(const Task<T, Weight>& task, std::int64_t unit, T* gradient) {
  const Call<T>& call = task.call;
  const Paths<T> paths = paths_of_group(call, 0);
  const std::int64_t count =
      call.shape.outputs * call.plan.row_words * call.shape.kernel;
  const Vec<T>* sums = task.slot + call.plan.dweights_at;
  if constexpr (Task<T, Weight>::replicated()) {
    unpack_replicas(call, paths, unit, sums, gradient);
  } else {
    unpack_gradients(
        call, paths, unit, sums,
        reinterpret_cast<T*>(task.slot + call.plan.dweights_at + count),
        gradient);
  }
}

template <class T, class Weight, int D>
void backward_units(const Call<T>& call, std::int64_t index) {
  Task<T, Weight> task(call, index);
  const SignatureConv1dPlan& plan = call.plan;
  const std::int64_t d = call.shape.channels;
  const std::int64_t group_range = index / plan.unit_ranges;
  T* gradient = group_range == 0 ? call.gradients.weight
                                 : call.workspace + plan.dweight_parts_at +
                                       (group_range - 1) * call.shape.outputs *
                                           plan.words * call.shape.kernel;
  for (std::int64_t g = task.groups.begin; g < task.groups.end; ++g)
    clear<T>(task.places.dincrements(task.unit_range, g), task.places.points);
  for (std::int64_t unit = task.units.begin; unit < task.units.end; ++unit) {
    task.start_unit(unit);
    for (std::int64_t g = task.groups.begin; g < task.groups.end; ++g) {
      Vec<T>* ddx = task.places.dincrements(task.unit_range, g) + d;
      task.start_group(unit, g, ddx);
      if (task.replicated())
        clear<T>(task.dletters(0), plan.prefix_letters * plan.padded_steps);
      walk_back<T, Weight, D>(task, g, ddx);
      if (task.replicated()) task.fold_letters(ddx);
    }
    finish_unit(task, unit, gradient);
  }
}

// The walk compiled for common numbers of channels.
template <class T, class Weight>
void forward_task_of(const Call<T>& call, std::int64_t index) {
  switch (call.shape.channels) {
    case 4:
      return forward_units<T, Weight, 4>(call, index);
    case 8:
      return forward_units<T, Weight, 8>(call, index);
    default:
      return forward_units<T, Weight, 0>(call, index);
  }
}

template <class T, class Weight>
void backward_task_of(const Call<T>& call, std::int64_t index) {
  switch (call.shape.channels) {
    case 4:
      return backward_units<T, Weight, 4>(call, index);
    case 8:
      return backward_units<T, Weight, 8>(call, index);
    default:
      return backward_units<T, Weight, 0>(call, index);
  }
}

template <class T>
void forward_task(const Call<T>& call, std::int64_t index) {
  if (call.plan.replicas > 1) return forward_task_of<T, Vec<T>>(call, index);
  return forward_task_of<T, T>(call, index);
}

template <class T>
void backward_task(const Call<T>& call, std::int64_t index) {
  if (call.plan.replicas > 1) return backward_task_of<T, Vec<T>>(call, index);
  return backward_task_of<T, T>(call, index);
}

template <class T>
using Piece = typename cpu::SignatureConv1dTable<T>::Piece;

template <class T, Piece<T> piece>
void flushed(const Call<T>& call, std::int64_t index) {
  const FlushDenormals guard;
  piece(call, index);
}

template <class T>
constexpr cpu::SignatureConv1dTable<T> table() {
  return {lanes<T>(),
          flushed<T, load_group<T>>,
          flushed<T, load_cotangents<T>>,
          flushed<T, forward_task<T>>,
          flushed<T, write_group<T>>,
          flushed<T, backward_task<T>>,
          flushed<T, write_gradients<T>>};
}

}  // namespace

extern const cpu::SignatureConv1dTable<float> signature_conv1d_float32 =
    table<float>();
extern const cpu::SignatureConv1dTable<double> signature_conv1d_float64 =
    table<double>();

}  // namespace sigtape::SIGTAPE_ISA_NAME
