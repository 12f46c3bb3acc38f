#include "sigtape/layers/signature/signature_kernels.h"

#include <algorithm>
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

// Slots in any order, on the pool where that is worth waking it.
template <class Body>
void run_slots(const SignaturePlan& plan, const Body& body) {
  if (plan.parallel) return parallel_for(plan.slots, body);
  for (std::int64_t slot = 0; slot < plan.slots; ++slot) body(slot);
}

// The partial sums of one path, over the groups that hold pairs of it.
template <class T>
class PartialSums {
 public:
  PartialSums(const SignaturePlan& plan, const T* sums, std::int64_t path)
      : plan_(plan),
        sums_(sums),
        path_(path),
        first_(path * plan.prefixes / plan.lanes),
        last_(((path + 1) * plan.prefixes - 1) / plan.lanes) {}

  T operator[](std::int64_t element) const {
    T sum = 0;
    for (std::int64_t group = first_; group <= last_; ++group) {
      const std::int64_t first_path = group * plan_.lanes / plan_.prefixes;
      sum += sums_[(group * plan_.partial_paths + path_ - first_path) *
                       plan_.partial_elements +
                   element];
    }
    return sum;
  }

 private:
  const SignaturePlan& plan_;
  const T* sums_;
  std::int64_t path_, first_, last_;
};

// Gradients of one path from the partial sums: of its points from those of its
// increments, and of the initial value's levels up to Q.
template <class T>
void finish_path(const SignatureShape& shape, const SignaturePlan& plan,
                 const PartialSums<T>& sums, std::int64_t path,
                 const SignatureGradients<T>& gradients, T* dbasepoint) {
  const std::int64_t d = shape.channels;
  const bool based = shape.basepoint != BasepointKind::none;
  T* dpath =
      gradients.path ? gradients.path + path * shape.length * d : nullptr;
  for (std::int64_t k = 0; k < (plan.increments + 1) * d; ++k) {
    T* to = based && k < d ? (dbasepoint ? dbasepoint + k : nullptr)
            : dpath        ? dpath + k - (based ? d : 0)
                           : nullptr;
    if (!to) continue;
    const T into = k >= d ? sums[k - d] : T(0);
    const T from = k < plan.increments * d ? sums[k] : T(0);
    *to = into - from;
  }
  if (!gradients.initial) return;
  T* row = gradients.initial + path * plan.columns;
  std::int64_t element = plan.increments * d;
  for (int level = 1; level <= plan.prefix_levels; ++level)
    for (std::int64_t w = 0; w < words_of_level(d, level); ++w, ++element) {
      const T value = sums[element];
      if (shape.inverse) {
        row[plan.level_column[level] + reversed_word(w, d, level)] =
            level % 2 ? -value : value;
      } else {
        row[plan.level_column[level] + w] = value;
      }
    }
}

template <class T>
void finish_paths(const SignatureShape& shape, const SignaturePlan& plan,
                  const SignatureGradients<T>& gradients,
                  unsigned char* workspace) {
  const T* sums = reinterpret_cast<const T*>(workspace + plan.partials_byte);
  T* basepoints = shape.basepoint == BasepointKind::shared
                      ? reinterpret_cast<T*>(workspace + plan.basepoints_byte)
                      : gradients.basepoint;
  for (std::int64_t path = 0; path < shape.batch; ++path)
    finish_path(shape, plan, PartialSums<T>(plan, sums, path), path, gradients,
                basepoints ? basepoints + path * shape.channels : nullptr);
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
  run_slots(dispatch.plan, [&](std::int64_t slot) {
    dispatch.table.forward(shape, dispatch.plan, inputs, signature, saved,
                           workspace, slot);
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
  run_slots(plan, [&](std::int64_t slot) {
    dispatch.table.backward(shape, plan, inputs, saved, dsignature, gradients,
                            workspace, slot);
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
