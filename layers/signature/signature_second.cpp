#include "sigtape/layers/signature/signature_second.h"

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/optional.h"
#include "sigtape/layers/signature/raw_memory.h"
#include "sigtape/layers/signature/signature_second_kernels.h"

namespace sigtape {

namespace {

// What the derivative of a gradient is wanted for.
enum Wanted { path, basepoint, initial, cotangent };

template <class T>
SignatureInputs<T> inputs_of(const SignatureArguments& a) {
  return {a.path.data<T>(), pointer<T>(a.basepoint), pointer<T>(a.initial),
          pointer<std::int64_t>(a.lengths)};
}

struct Results {
  Tensor signature, path, basepoint, initial;
};

// `direction` is one of input `input`, undefined results are not wanted.
void compute(const SignatureShape& shape, const SignatureArguments& a,
             std::size_t input, const Tensor& direction, const Tensor& g,
             Results& r) {
  compute_floating("signature", a.path, [&]<class T>(auto device, T) {
    const auto along = [&](std::size_t i) {
      return i == input ? direction.data<T>() : nullptr;
    };
    Tensor workspace = raw_memory(signature_second_bytes<T>(device, shape));
    signature_second<T>(
        device, shape, inputs_of<T>(a),
        {along(path), along(basepoint), along(initial)}, g.data<T>(),
        {mutable_pointer<T>(r.signature), mutable_pointer<T>(r.path),
         mutable_pointer<T>(r.basepoint), mutable_pointer<T>(r.initial)},
        workspace.mutable_data<double>());
  });
}

// The rule of signature_backward. Its results are those of an operation that
// has no derivative.
void go_back(const SignatureShape& shape, std::size_t input, Backward& back) {
  const SignatureArguments a{back.saved(path), back.saved(basepoint),
                             back.saved(initial), back.saved(4)};
  const Tensor g = back.saved(cotangent), v = contiguous(back.grad());
  const auto wanted = [&](std::size_t i, const Tensor& like) {
    return back.needs(i) ? empty_like(like) : Tensor();
  };
  Results r{wanted(cotangent, g), wanted(path, a.path),
            wanted(basepoint, a.basepoint), wanted(initial, a.initial)};
  compute(shape, a, input, v, g, r);
  const auto add = [&](std::size_t i, const Tensor& result) {
    if (!result.defined()) return;
    back.add(i,
             record_without_derivative("signature_second", result,
                                       {a.path, a.basepoint, a.initial, g, v}));
  };
  add(path, r.path);
  add(basepoint, r.basepoint);
  add(initial, r.initial);
  add(cotangent, r.signature);
}

}  // namespace

Tensor record_signature_gradient(const SignatureShape& shape, std::size_t input,
                                 const Tensor& gradient,
                                 const SignatureArguments& a, const Tensor& g) {
  return record(
      "signature_backward", gradient, {a.path, a.basepoint, a.initial, g},
      {a.path, a.basepoint, a.initial, g, a.lengths},
      [shape, input](Backward& back) { go_back(shape, input, back); });
}

Tensor signature_path_gradient(const SignatureShape& shape,
                               const SignatureArguments& a, const Tensor& g) {
  Tensor gradient = empty_like(a.path), value = empty_like(g);
  compute_floating("signature", a.path, [&]<class T>(auto device, T) {
    Tensor saved =
        raw_memory(signature_saved_bytes<T>(device, shape), a.path.device());
    Tensor workspace = raw_memory(signature_workspace_bytes<T>(device, shape),
                                  a.path.device());
    double* memory = workspace.mutable_data<double>();
    signature_forward<T>(device, shape, inputs_of<T>(a),
                         value.mutable_data<T>(), saved.mutable_data<double>(),
                         memory);
    signature_backward<T>(device, shape, inputs_of<T>(a), saved.data<double>(),
                          g.data<T>(), {.path = gradient.mutable_data<T>()},
                          memory);
  });
  return record_signature_gradient(shape, path, gradient, a, g);
}

}  // namespace sigtape
