#include "sigtape/layers/signature/signature_conv1d_kernels.h"

#include <algorithm>
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

SIGTAPE_DEFINE_TABLE_OF(SignatureConv1dTable, signature_conv1d)

template <class T>
SignatureConv1dPlan plan_of(const SignatureConv1dShape& shape, bool backward) {
  return make_signature_conv1d_plan(shape, backward,
                                    table_of<T>(active_isa()).lanes, sizeof(T));
}

// body(0), .., body(count - 1), on the pool where the call has several tasks.
template <class T, class Body>
void run(const SignatureConv1dCall<T>& call, std::int64_t count,
         const Body& body) {
  if (call.plan.tasks() > 1) return parallel_for(count, body);
  for (std::int64_t i = 0; i < count; ++i) body(i);
}

// Every task between load(group) and write(group) of its groups. Tasks that
// share no group with another do both themselves.
template <class T, class Load, class Write>
void run_tasks(const SignatureConv1dCall<T>& call, const Load& load,
               typename SignatureConv1dTable<T>::Piece task,
               const Write& write) {
  const SignatureConv1dPlan& plan = call.plan;
  if (plan.unit_ranges > 1) {
    run(call, plan.groups, load);
    run(call, plan.tasks(), [&](std::int64_t i) { task(call, i); });
    return run(call, plan.groups, write);
  }
  run(call, plan.group_ranges, [&](std::int64_t i) {
    const std::int64_t first = plan.groups * i / plan.group_ranges;
    const std::int64_t end = plan.groups * (i + 1) / plan.group_ranges;
    for (std::int64_t g = first; g < end; ++g) load(g);
    task(call, i);
    for (std::int64_t g = first; g < end; ++g) write(g);
  });
}

// Elements of a weight's gradient that one tile sums.
constexpr std::int64_t kSumTile = 1 << 14;

// Adds `parts` arrays that stand one after another to `sum`.
template <class T>
void add_parts(std::int64_t parts, const T* from, std::int64_t count, T* sum) {
  if (parts == 0) return;
  parallel_ranges(count, kSumTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = 0; r < parts; ++r) {
      const T* __restrict part = from + r * count;
      T* __restrict to = sum;
      for (std::int64_t k = begin; k < end; ++k) to[k] += part[k];
    }
  });
}

std::int64_t weight_elements(const SignatureConv1dShape& shape) {
  return shape.outputs * shape.words() * shape.kernel;
}

// Paths first .. first + shape.batch - 1 of a call, which run with a plan of
// their own.
struct Share {
  std::int64_t first;
  SignatureConv1dShape shape;
};

// The shares of a call, one or two.
template <class T>
struct Shares {
  Share list[2];
  int count;

  explicit Shares(const SignatureConv1dShape& shape) {
    const std::int64_t first =
        paths_of_first_share(shape, table_of<T>(active_isa()).lanes);
    list[0] = list[1] = {0, shape};
    list[0].shape.batch = first;
    list[1].first = first;
    list[1].shape.batch = shape.batch - first;
    count = first < shape.batch ? 2 : 1;
  }
  // Of the largest plan.
  std::size_t plan_bytes(bool backward) const {
    std::size_t bytes = 0;
    for (int k = 0; k < count; ++k)
      bytes = std::max(bytes, plan_of<T>(list[k].shape, backward).bytes);
    return bytes;
  }
};

template <class T>
SignatureConv1dInputs<T> inputs_of(const Share& share,
                                   const SignatureConv1dInputs<T>& inputs) {
  SignatureConv1dInputs<T> own = inputs;
  own.path += share.first * share.shape.length * share.shape.channels;
  if (own.lengths) own.lengths += share.first;
  return own;
}

template <class T>
void run_forward(const Share& share, const SignatureConv1dInputs<T>& all, T* y,
                 void* workspace) {
  const SignatureConv1dTable<T>& table = table_of<T>(active_isa());
  const SignatureConv1dPlan plan = plan_of<T>(share.shape, false);
  const SignatureConv1dInputs<T> inputs = inputs_of(share, all);
  SignatureConv1dCall<T> call = {share.shape, plan, inputs,
                                 static_cast<T*>(workspace)};
  call.y = y + share.first * share.shape.rows() * share.shape.outputs;
  run_tasks(
      call, [&](std::int64_t g) { table.load_group(call, g); },
      table.forward_task, [&](std::int64_t g) { table.write_group(call, g); });
}

// Writes the share's gradients of weight and bias.
template <class T>
void run_backward(const Share& share, const SignatureConv1dInputs<T>& all,
                  const T* dy, SignatureConv1dGradients<T> gradients,
                  void* workspace) {
  const SignatureConv1dShape& shape = share.shape;
  const SignatureConv1dTable<T>& table = table_of<T>(active_isa());
  const SignatureConv1dPlan plan = plan_of<T>(shape, true);
  const SignatureConv1dInputs<T> inputs = inputs_of(share, all);
  gradients.path += share.first * shape.length * shape.channels;
  SignatureConv1dCall<T> call = {shape, plan, inputs,
                                 static_cast<T*>(workspace)};
  call.dy = dy + share.first * shape.rows() * shape.outputs;
  call.gradients = gradients;
  run_tasks(
      call,
      [&](std::int64_t g) {
        table.load_group(call, g);
        table.load_cotangents(call, g);
      },
      table.backward_task,
      [&](std::int64_t g) { table.write_gradients(call, g); });
  add_parts<T>(plan.group_ranges - 1, call.workspace + plan.dweight_parts_at,
               weight_elements(shape), gradients.weight);
  std::fill_n(gradients.bias, shape.outputs, T(0));
  add_parts<T>(plan.groups, call.workspace + plan.dbias_parts_at, shape.outputs,
               gradients.bias);
}

}  // namespace

template <class T>
std::size_t signature_conv1d_forward_bytes(const SignatureConv1dShape& shape) {
  return Shares<T>(shape).plan_bytes(false);
}

template <class T>
std::size_t signature_conv1d_backward_bytes(const SignatureConv1dShape& shape) {
  const Shares<T> shares(shape);
  const std::int64_t more =
      shares.count > 1 ? weight_elements(shape) + shape.outputs : 0;
  return shares.plan_bytes(true) + static_cast<std::size_t>(more) * sizeof(T);
}

template <class T>
void signature_conv1d_forward(const SignatureConv1dShape& shape,
                              const SignatureConv1dInputs<T>& inputs, T* y,
                              void* workspace) {
  const Shares<T> shares(shape);
  for (int k = 0; k < shares.count; ++k)
    run_forward(shares.list[k], inputs, y, workspace);
}

template <class T>
void signature_conv1d_backward(const SignatureConv1dShape& shape,
                               const SignatureConv1dInputs<T>& inputs,
                               const T* dy,
                               const SignatureConv1dGradients<T>& gradients,
                               void* workspace) {
  const Shares<T> shares(shape);
  run_backward(shares.list[0], inputs, dy, gradients, workspace);
  if (shares.count == 1) return;
  SignatureConv1dGradients<T> rest = gradients;
  rest.weight =
      static_cast<T*>(workspace) + shares.plan_bytes(true) / sizeof(T);
  rest.bias = rest.weight + weight_elements(shape);
  run_backward(shares.list[1], inputs, dy, rest, workspace);
  add_parts<T>(1, rest.weight, weight_elements(shape), gradients.weight);
  add_parts<T>(1, rest.bias, shape.outputs, gradients.bias);
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
