#include "sigtape/layers/signature/signature_kernels.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <thread>
#include <type_traits>

#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/layers/signature/signature_plan.h"
#include "sigtape/layers/signature/signature_table.h"
#include "sigtape/layers/signature/signature_words.h"

namespace sigtape::cpu {

namespace {

template <class T>
const SignatureTable<T>& table_of(Isa isa) {
  switch (isa) {
#define SIGTAPE_CASE(name)                     \
  case Isa::name:                              \
    if constexpr (std::is_same_v<T, float>)    \
      return sigtape::name::signature_float32; \
    else                                       \
      return sigtape::name::signature_float64;
    SIGTAPE_FOR_EACH_ISA(SIGTAPE_CASE)
#undef SIGTAPE_CASE
    default:
      return table_of<T>(Isa::scalar);
  }
}

template <class T>
struct Dispatch {
  const SignatureTable<T>& table;
  SignaturePlan plan;

  explicit Dispatch(const SignatureShape& shape)
      : table(table_of<T>(active_isa())),
        plan(make_signature_plan(shape, table.lanes, sizeof(T))) {}
};

// Scratch memory for the groups that run at the moment. A group takes the first
// free slot: one thread always gets the same, which stays in its cache.
class Slots {
 public:
  explicit Slots(std::int64_t count) : mask_((1ull << count) - 1) {}

  std::int64_t take() {
    for (;;) {
      std::uint64_t taken = taken_.load(std::memory_order_relaxed);
      const int slot = std::countr_one(taken);
      const std::uint64_t bit = 1ull << slot;
      if ((mask_ & bit) == 0) {
        std::this_thread::yield();
      } else if (taken_.compare_exchange_weak(taken, taken | bit,
                                              std::memory_order_acquire)) {
        return slot;
      }
    }
  }

  void give_back(std::int64_t slot) {
    taken_.fetch_and(~(1ull << slot), std::memory_order_release);
  }

 private:
  std::uint64_t mask_;
  std::atomic<std::uint64_t> taken_{0};
};

// body(slot, group) for all groups in any order, on the pool where that is
// worth waking it.
template <class Body>
void run_groups(const SignaturePlan& plan, const Body& body) {
  if (!plan.parallel) {
    for (std::int64_t group = 0; group < plan.groups; ++group) body(0, group);
    return;
  }
  Slots slots(plan.slots);
  parallel_for(plan.groups, [&](std::int64_t group) {
    const std::int64_t slot = slots.take();
    body(slot, group);
    slots.give_back(slot);
  });
}

// The partial sums of one path, [partial_elements], summed over the groups
// that hold pairs of it, in their order, into the first one's.
template <class T>
const T* sum_groups(const SignaturePlan& plan, T* sums, std::int64_t path) {
  const std::int64_t first = path * plan.prefixes / plan.lanes;
  const std::int64_t last = ((path + 1) * plan.prefixes - 1) / plan.lanes;
  auto row_of = [&](std::int64_t group) {
    const std::int64_t first_path = group * plan.lanes / plan.prefixes;
    return sums + (group * plan.partial_paths + path - first_path) *
                      plan.partial_elements;
  };
  T* sum = row_of(first);
  for (std::int64_t group = first + 1; group <= last; ++group) {
    const T* row = row_of(group);
    for (std::int64_t k = 0; k < plan.partial_elements; ++k) sum[k] += row[k];
  }
  return sum;
}

// out[k] = dincrements[k - d] - dincrements[k], the gradients of points first
// .. end - 1, d to a point; increments before 0 and from T on are zero.
template <class T>
void point_gradients(const T* dincrements, std::int64_t increments,
                     std::int64_t d, std::int64_t first, std::int64_t end,
                     T* out) {
  for (std::int64_t point = first; point < end; ++point)
    for (std::int64_t j = 0; j < d; ++j) {
      const T into = point > 0 ? dincrements[(point - 1) * d + j] : T(0);
      const T from = point < increments ? dincrements[point * d + j] : T(0);
      *out++ = into - from;
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

// Gradients from the partial sums, where lanes hold prefixes.
template <class T>
void finish_paths(const SignatureShape& shape, const SignaturePlan& plan,
                  const SignatureGradients<T>& gradients,
                  unsigned char* workspace) {
  T* sums = reinterpret_cast<T*>(workspace + plan.partials_byte);
  T* basepoints = shape.basepoint == BasepointKind::shared
                      ? reinterpret_cast<T*>(workspace + plan.basepoints_byte)
                      : gradients.basepoint;
  const std::int64_t d = shape.channels, steps = plan.increments;
  const std::int64_t based = shape.basepoint != BasepointKind::none;
  for (std::int64_t path = 0; path < shape.batch; ++path) {
    const T* sum = sum_groups(plan, sums, path);
    if (based && basepoints)
      point_gradients(sum, steps, d, 0, 1, basepoints + path * d);
    if (gradients.path)
      point_gradients(sum, steps, d, based, steps + 1,
                      gradients.path + path * shape.length * d);
    if (gradients.initial)
      initial_gradients(shape, plan, sum + steps * d,
                        gradients.initial + path * plan.columns);
  }
}

template <class T>
void sum_basepoints(const SignatureShape& shape, const T* rows, T* sum) {
  std::fill_n(sum, shape.channels, T(0));
  for (std::int64_t path = 0; path < shape.batch; ++path)
    for (std::int64_t j = 0; j < shape.channels; ++j)
      sum[j] += rows[path * shape.channels + j];
}

}  // namespace

template <class T>
std::size_t signature_saved_bytes(const SignatureShape& shape) {
  return Dispatch<T>(shape).plan.saved_bytes;
}

template <class T>
std::size_t signature_workspace_bytes(const SignatureShape& shape) {
  const Dispatch<T> dispatch(shape);
  return dispatch.plan.vectorised
             ? dispatch.plan.workspace_bytes
             : reference::signature_workspace_bytes<T>(shape);
}

template <class T>
void signature_forward(const SignatureShape& shape,
                       const SignatureInputs<T>& inputs, T* signature,
                       void* saved, void* workspace) {
  const Dispatch<T> dispatch(shape);
  if (!dispatch.plan.vectorised)
    return reference::signature_forward(shape, inputs, signature, workspace);
  run_groups(dispatch.plan, [&](std::int64_t slot, std::int64_t group) {
    dispatch.table.forward(shape, dispatch.plan, inputs, signature, saved,
                           workspace, slot, group);
  });
}

template <class T>
void signature_backward(const SignatureShape& shape,
                        const SignatureInputs<T>& inputs, const void* saved,
                        const T* dsignature,
                        const SignatureGradients<T>& gradients,
                        void* workspace) {
  const Dispatch<T> dispatch(shape);
  const SignaturePlan& plan = dispatch.plan;
  if (!plan.vectorised)
    return reference::signature_backward(shape, inputs, dsignature, gradients,
                                         workspace);
  run_groups(plan, [&](std::int64_t slot, std::int64_t group) {
    dispatch.table.backward(shape, plan, inputs, saved, dsignature, gradients,
                            workspace, slot, group);
  });
  auto* bytes = static_cast<unsigned char*>(workspace);
  if (plan.prefix_levels > 0) finish_paths(shape, plan, gradients, bytes);
  if (shape.basepoint == BasepointKind::shared && gradients.basepoint)
    sum_basepoints(shape,
                   reinterpret_cast<const T*>(bytes + plan.basepoints_byte),
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
