#include "sigtape/layers/signature/signature_conv1d_kernels.h"

#include <type_traits>

#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/layers/signature/signature_conv1d_plan.h"
#include "sigtape/layers/signature/signature_conv1d_table.h"
#include "sigtape/layers/signature/signature_words.h"

namespace sigtape {

std::int64_t SignatureConv1dShape::words() const {
  std::int64_t words = 0;
  for (int level = 1; level <= depth; ++level)
    words += words_of_level(channels, level);
  return words;
}

namespace cpu {

namespace {

template <class T>
const SignatureConv1dTable<T>& table_of(Isa isa) {
  switch (isa) {
#define SIGTAPE_CASE(name)                            \
  case Isa::name:                                     \
    if constexpr (std::is_same_v<T, float>)           \
      return sigtape::name::signature_conv1d_float32; \
    else                                              \
      return sigtape::name::signature_conv1d_float64;
    SIGTAPE_FOR_EACH_ISA(SIGTAPE_CASE)
#undef SIGTAPE_CASE
    default:
      return table_of<T>(Isa::scalar);
  }
}

template <class T>
SignatureConv1dPlan plan_of(const SignatureConv1dShape& shape, bool backward) {
  return make_signature_conv1d_plan(shape, backward,
                                    table_of<T>(active_isa()).lanes, sizeof(T));
}

// Pieces 0 .. count - 1, on the pool where the call has several tasks.
template <class T>
void run(const SignatureConv1dCall<T>& call, std::int64_t count,
         typename SignatureConv1dTable<T>::Piece piece) {
  if (call.plan.tasks() > 1)
    return parallel_for(count, [&](std::int64_t i) { piece(call, i); });
  for (std::int64_t i = 0; i < count; ++i) piece(call, i);
}

// Elements of the weight's gradient that one tile sums over the parts.
constexpr std::int64_t kSumTile = 1 << 14;

template <class T>
void sum_weight_parts(const SignatureConv1dCall<T>& call) {
  const SignatureConv1dShape& shape = call.shape;
  const std::int64_t count = shape.outputs * call.plan.words * shape.kernel;
  if (call.plan.group_ranges == 1) return;
  parallel_ranges(count, kSumTile, [&](std::int64_t begin, std::int64_t end) {
    T* __restrict sum = call.gradients.weight;
    for (std::int64_t r = 1; r < call.plan.group_ranges; ++r) {
      const T* __restrict part =
          call.workspace + call.plan.dweight_parts_at + (r - 1) * count;
      for (std::int64_t k = begin; k < end; ++k) sum[k] += part[k];
    }
  });
}

template <class T>
void sum_bias_parts(const SignatureConv1dCall<T>& call) {
  const T* parts = call.workspace + call.plan.dbias_parts_at;
  for (std::int64_t o = 0; o < call.shape.outputs; ++o) {
    T sum = 0;
    for (std::int64_t g = 0; g < call.plan.groups; ++g)
      sum += parts[g * call.shape.outputs + o];
    call.gradients.bias[o] = sum;
  }
}

}  // namespace

template <class T>
std::size_t signature_conv1d_forward_bytes(const SignatureConv1dShape& shape) {
  return plan_of<T>(shape, false).bytes;
}

template <class T>
std::size_t signature_conv1d_backward_bytes(const SignatureConv1dShape& shape) {
  return plan_of<T>(shape, true).bytes;
}

template <class T>
void signature_conv1d_forward(const SignatureConv1dShape& shape,
                              const SignatureConv1dInputs<T>& inputs, T* y,
                              void* workspace) {
  const SignatureConv1dTable<T>& table = table_of<T>(active_isa());
  const SignatureConv1dPlan plan = plan_of<T>(shape, false);
  SignatureConv1dCall<T> call = {shape, plan, inputs,
                                 static_cast<T*>(workspace)};
  call.y = y;
  run(call, plan.groups, table.load_group);
  run(call, plan.tasks(), table.forward_task);
  run(call, plan.groups, table.write_group);
}

template <class T>
void signature_conv1d_backward(const SignatureConv1dShape& shape,
                               const SignatureConv1dInputs<T>& inputs,
                               const T* dy,
                               const SignatureConv1dGradients<T>& gradients,
                               void* workspace) {
  const SignatureConv1dTable<T>& table = table_of<T>(active_isa());
  const SignatureConv1dPlan plan = plan_of<T>(shape, true);
  SignatureConv1dCall<T> call = {shape, plan, inputs,
                                 static_cast<T*>(workspace)};
  call.dy = dy;
  call.gradients = gradients;
  run(call, plan.groups, table.load_group);
  run(call, plan.groups, table.load_cotangents);
  run(call, plan.tasks(), table.backward_task);
  run(call, plan.groups, table.write_gradients);
  sum_weight_parts(call);
  sum_bias_parts(call);
}

#define SIGTAPE_INSTANTIATE(T)                                                \
  template std::size_t signature_conv1d_forward_bytes<T>(                     \
      const SignatureConv1dShape&);                                           \
  template std::size_t signature_conv1d_backward_bytes<T>(                    \
      const SignatureConv1dShape&);                                           \
  template void signature_conv1d_forward(const SignatureConv1dShape&,         \
                                         const SignatureConv1dInputs<T>&, T*, \
                                         void*);                              \
  template void signature_conv1d_backward(                                    \
      const SignatureConv1dShape&, const SignatureConv1dInputs<T>&, const T*, \
      const SignatureConv1dGradients<T>&, void*);
SIGTAPE_INSTANTIATE(float)
SIGTAPE_INSTANTIATE(double)
#undef SIGTAPE_INSTANTIATE

}  // namespace cpu
}  // namespace sigtape
