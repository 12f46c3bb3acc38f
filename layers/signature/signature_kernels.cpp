#include "sigtape/layers/signature/signature_kernels.h"

#include <algorithm>
#include <tuple>
#include <type_traits>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/scratch_slots.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/layers/signature/signature_depth2.h"
#include "sigtape/layers/signature/signature_increment.h"
#include "sigtape/layers/signature/signature_pieces.h"
#include "sigtape/layers/signature/signature_plan.h"
#include "sigtape/layers/signature/signature_table.h"
#include "sigtape/layers/signature/signature_words.h"

namespace sigtape::cpu {

namespace {

SIGTAPE_DEFINE_TABLE_OF(SignatureTable, signature)

// All members, for comparing.
auto members(const SignatureShape& shape) {
  const auto& [batch, length, channels, depth, stream, inverse, scalar_term,
               basepoint, initial, lengths] = shape;
  return std::tie(batch, length, channels, depth, stream, inverse, scalar_term,
                  basepoint, initial, lengths);
}

// The plan of a call. A step asks for the same one several times on end, and
// small calls would spend a tenth of their time on it: each thread keeps its
// last one.
template <class T>
const SignaturePlan& plan_of(const SignatureShape& shape, int lanes) {
  struct Kept {
    SignatureShape shape;
    int lanes = 0;
    SignaturePlan plan;
  };
  thread_local Kept kept;
  if (kept.lanes != lanes || members(kept.shape) != members(shape)) {
    kept.lanes = 0;
    kept.plan = make_signature_plan(shape, lanes, sizeof(T));
    kept.shape = shape;
    kept.lanes = lanes;
  }
  return kept.plan;
}

template <class T>
struct Dispatch {
  const SignatureTable<T>& table;
  SignaturePlan plan;
  SignatureShape shape;  // of the call that the groups see

  explicit Dispatch(const SignatureShape& whole)
      : table(table_of<T>(active_isa())),
        plan(plan_of<T>(whole, table.lanes)),
        shape(shape_of_pieces(whole, plan)) {}
};

// body(slot, task) for all tasks in any order, on the pool where that is
// worth waking it.
template <class Body>
void run_tasks(const SignaturePlan& plan, std::int64_t tasks,
               const Body& body) {
  if (!plan.parallel) {
    for (std::int64_t task = 0; task < tasks; ++task) body(0, task);
    return;
  }
  Slots slots(plan.slots);
  parallel_for(tasks, [&](std::int64_t task) {
    const std::int64_t slot = slots.take();
    body(slot, task);
    slots.give_back(slot);
  });
}

// On one thread forward walks a group as one task: a word's bits do not depend
// on the task that walks it. (Sums of gradients do, so backward only runs the
// tasks of a group side by side.) Leaves behind the checkpoints whether they
// are those of groups.
void join_splits(SignaturePlan& plan, void* saved) {
  if (plan.splits == 1) return;
  const bool joined = num_threads() == 1;
  if (saved) *at_byte<bool>(saved, plan.saved_joined_byte) = joined;
  if (!joined) return;
  plan.splits = 1;
  plan.tasks = plan.groups;
}

// The partial sums of a piece, [partial_elements], in the first task that
// holds pairs of it or in `task`.
template <class T>
T* partial_sums(const SignaturePlan& plan, T* sums, std::int64_t piece,
                std::int64_t task) {
  const std::int64_t first_piece =
      task / plan.splits * plan.lanes / plan.prefixes;
  return sums + (task * plan.partial_paths + piece - first_piece) *
                    plan.partial_elements;
}

template <class T>
T* partial_sums(const SignaturePlan& plan, T* sums, std::int64_t piece) {
  return partial_sums(plan, sums, piece,
                      piece * plan.prefixes / plan.lanes * plan.splits);
}

// Sums them over the tasks, in their order, into the first one's.
template <class T>
void sum_tasks(const SignaturePlan& plan, T* sums, std::int64_t piece) {
  const std::int64_t first = piece * plan.prefixes / plan.lanes * plan.splits;
  const std::int64_t end =
      (((piece + 1) * plan.prefixes - 1) / plan.lanes + 1) * plan.splits;
  T* __restrict sum = partial_sums(plan, sums, piece);
  for (std::int64_t task = first + 1; task < end; ++task) {
    const T* __restrict row = partial_sums(plan, sums, piece, task);
    for (std::int64_t k = 0; k < plan.partial_elements; ++k) sum[k] += row[k];
  }
}

// The levels up to Q of an initial value's gradient.
template <class T>
void initial_gradients(const SignatureShape& shape, const SignaturePlan& plan,
                       const T* words, T* row) {
  const std::int64_t d = shape.channels;
  for (int level = 1; level <= plan.prefix_levels; ++level)
    for (std::int64_t word = 0; word < words_of_level(d, level); ++word) {
      const T value = *words++;
      T* column = row + plan.level_column[level];
      if (shape.inverse) {
        column[reversed_word(word, d, level)] = level % 2 ? -value : value;
      } else {
        column[word] = value;
      }
    }
}

// The gradients of the points where increments of a piece end, and of the
// path's first point where the piece starts there: a point gets the gradient of
// the increment that ends there less that of the one that starts there.
template <class T>
void write_points(const SignatureShape& shape, const SignaturePlan& plan,
                  const SignatureGradients<T>& gradients, T* sums,
                  T* basepoints, std::int64_t piece) {
  const std::int64_t d = shape.channels, path = piece / plan.pieces;
  const std::int64_t part = piece % plan.pieces;
  const std::int64_t begin = plan.piece_begin(part);
  const std::int64_t inside = (plan.piece_begin(part + 1) - begin - 1) * d;
  const bool based = shape.basepoint != BasepointKind::none;
  const T* __restrict sum = partial_sums(plan, sums, piece);
  T* points =
      gradients.path ? gradients.path + path * shape.length * d : nullptr;
  T* start = based ? basepoints ? basepoints + path * d : nullptr : points;
  for (std::int64_t j = 0; part == 0 && start && j < d; ++j) start[j] = -sum[j];
  if (!points) return;
  T* __restrict out = points + (begin + !based) * d;
  for (std::int64_t k = 0; k < inside; ++k) out[k] = sum[k] - sum[k + d];
  const T* next =
      part + 1 < plan.pieces ? partial_sums(plan, sums, piece + 1) : nullptr;
  for (std::int64_t j = 0; j < d; ++j)
    out[inside + j] = sum[inside + j] - (next ? next[j] : T(0));
}

// Where the gradient of each path's basepoint goes; null: not wanted.
template <class T>
T* basepoint_rows(const SignatureShape& shape, const SignaturePlan& plan,
                  const SignatureGradients<T>& gradients, void* workspace) {
  return gradients.basepoint && shape.basepoint == BasepointKind::shared
             ? at_byte<T>(workspace, plan.basepoints_byte)
             : gradients.basepoint;
}

// Elements of partial sums that are worth a thread.
constexpr std::int64_t kSumElements = 1 << 13;

// Gradients from the partial sums, where lanes hold prefixes or pieces. A path
// needs those of all its pieces.
template <class T>
void finish_pieces(const SignatureShape& shape, const SignaturePlan& plan,
                   const SignatureGradients<T>& gradients,
                   unsigned char* workspace) {
  T* sums = reinterpret_cast<T*>(workspace + plan.partials_byte);
  T* basepoints = basepoint_rows(shape, plan, gradients, workspace);
  const std::int64_t words_at = plan.increments * shape.channels;
  const auto sum = [&](std::int64_t piece, std::int64_t end) {
    for (; piece < end; ++piece) sum_tasks(plan, sums, piece);
  };
  const auto write = [&](std::int64_t piece, std::int64_t end) {
    for (; piece < end; ++piece) {
      write_points(shape, plan, gradients, sums, basepoints, piece);
      if (gradients.initial)
        initial_gradients(shape, plan,
                          partial_sums(plan, sums, piece) + words_at,
                          gradients.initial + piece * plan.columns);
    }
  };
  const std::int64_t each =
      divide_up(plan.tasks * plan.partial_paths * plan.partial_elements,
                shape.batch * plan.pieces);
  const std::int64_t grain = divide_up(kSumElements, each);
  if (shape.batch == 1) {
    parallel_ranges(plan.pieces, grain, sum);
    parallel_ranges(plan.pieces, grain, write);
    return;
  }
  const std::int64_t parts =
      divide_up(shape.batch, divide_up(grain, plan.pieces));
  parallel_parts(shape.batch, parts > 1 ? divide_up(parts, 2) * 2 : 1,
                 [&](std::int64_t path, std::int64_t end) {
                   sum(path * plan.pieces, end * plan.pieces);
                   write(path * plan.pieces, end * plan.pieces);
                 });
}

template <class T>
void sum_basepoints(const SignatureShape& shape, const T* rows, T* sum) {
  std::fill_n(sum, shape.channels, T(0));
  for (std::int64_t path = 0; path < shape.batch; ++path)
    for (std::int64_t j = 0; j < shape.channels; ++j)
      sum[j] += rows[path * shape.channels + j];
}

// Gradients by walking back through time; those of a shared basepoint are left
// in the workspace for each path.
template <class T>
void walk_back(Dispatch<T>& dispatch, const SignatureShape& shape,
               const SignatureInputs<T>& inputs, const void* saved,
               const T* dsignature, const SignatureGradients<T>& gradients,
               void* workspace) {
  const SignaturePlan& plan = dispatch.plan;
  dispatch.plan.joined_checkpoints =
      plan.splits > 1 && *at_byte<bool>(saved, plan.saved_joined_byte);
  SignatureGradients<T> wanted = gradients;
  if (plan.pieces > 1) {
    T* const dnodes = at_byte<T>(workspace, plan.pieces_byte);
    multiply_pieces_adjoint(shape, plan,
                            at_byte<T>(saved, plan.saved_pieces_byte),
                            dsignature, dnodes, gradients.initial, workspace);
    wanted.initial = nullptr;
    dsignature = dnodes;
  }
  const bool joined = num_threads() == 1;
  const std::int64_t count = joined ? plan.splits : 1;
  run_tasks(plan, plan.tasks / count, [&](std::int64_t slot, std::int64_t i) {
    dispatch.table.backward(dispatch.shape, plan, inputs, saved, dsignature,
                            wanted, workspace, slot, i * count, count);
  });
  auto* bytes = static_cast<unsigned char*>(workspace);
  if (plan.partial_paths > 0)
    finish_pieces(dispatch.shape, plan, wanted, bytes);
}

}  // namespace

template <class T>
std::size_t signature_saved_bytes(const SignatureShape& shape) {
  if (is_small_increment(shape) || has_depth2_backward(shape)) return 0;
  return Dispatch<T>(shape).plan.saved_bytes;
}

template <class T>
std::size_t signature_workspace_bytes(const SignatureShape& shape) {
  if (is_small_increment(shape)) return 0;
  const Dispatch<T> dispatch(shape);
  return dispatch.plan.vectorised
             ? dispatch.plan.workspace_bytes
             : reference::signature_workspace_bytes<T>(shape);
}

template <class T>
void signature_forward(const SignatureShape& shape,
                       const SignatureInputs<T>& inputs, T* signature,
                       void* saved, void* workspace) {
  if (is_small_increment(shape))
    return increment_forward(shape, inputs.path, signature);
  Dispatch<T> dispatch(shape);
  const SignaturePlan& plan = dispatch.plan;
  if (!plan.vectorised)
    return reference::signature_forward(shape, inputs, signature, workspace);
  if (has_depth2_backward(shape)) saved = nullptr;
  join_splits(dispatch.plan, saved);
  T* const nodes = saved ? at_byte<T>(saved, plan.saved_pieces_byte)
                         : at_byte<T>(workspace, plan.pieces_byte);
  T* const results = plan.pieces > 1 ? nodes : signature;
  run_tasks(plan, plan.tasks, [&](std::int64_t slot, std::int64_t task) {
    dispatch.table.forward(dispatch.shape, plan, inputs, results, saved,
                           workspace, slot, task);
  });
  if (plan.pieces > 1)
    multiply_pieces(shape, plan, inputs.initial, nodes, signature, workspace);
}

template <class T>
void signature_backward(const SignatureShape& shape,
                        const SignatureInputs<T>& inputs, const void* saved,
                        const T* dsignature,
                        const SignatureGradients<T>& gradients,
                        void* workspace) {
  if (is_small_increment(shape)) {
    if (gradients.path)
      increment_backward(shape, inputs.path, dsignature, gradients.path);
    return;
  }
  Dispatch<T> dispatch(shape);
  const SignaturePlan& plan = dispatch.plan;
  if (!plan.vectorised)
    return reference::signature_backward(shape, inputs, dsignature, gradients,
                                         workspace);
  if (has_depth2_backward(shape)) {
    signature_depth2_backward(
        shape, inputs, dsignature, gradients,
        basepoint_rows(shape, plan, gradients, workspace));
  } else {
    walk_back(dispatch, shape, inputs, saved, dsignature, gradients, workspace);
  }
  if (shape.basepoint == BasepointKind::shared && gradients.basepoint)
    sum_basepoints(shape, at_byte<T>(workspace, plan.basepoints_byte),
                   gradients.basepoint);
}

#define SIGTAPE_INSTANTIATE(T)                                                 \
  template std::size_t signature_saved_bytes<T>(const SignatureShape&);        \
  template std::size_t signature_workspace_bytes<T>(const SignatureShape&);    \
  template void signature_forward(                                             \
      const SignatureShape&, const SignatureInputs<T>&, T*, void*, void*);     \
  template void signature_backward(                                            \
      const SignatureShape&, const SignatureInputs<T>&, const void*, const T*, \
      const SignatureGradients<T>&, void*);
SIGTAPE_INSTANTIATE(float)
SIGTAPE_INSTANTIATE(double)
#undef SIGTAPE_INSTANTIATE

}  // namespace sigtape::cpu
