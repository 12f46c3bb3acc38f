#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/layer_norm_kernels.h"
#include "sigtape/framework/ops/optional.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

void check_parameter(const char* name, const Tensor& a, const Tensor& p) {
  if (!p.defined()) return;
  require_same_type("layer_norm", a, p);
  require(p.shape() == Shape{a.size(-1)}, "layer_norm: expected ", name, " (",
          a.size(-1), ") for input ", a.shape(), ", got ", p.shape());
}

// The arguments are contiguous.
template <class T>
LayerNormInputs<T> inputs_of(const Tensor& a, const Tensor& weight,
                             const Tensor& bias) {
  const std::int64_t size = a.size(-1);
  return {size == 0 ? 0 : a.numel() / size, size, a.data<T>(),
          pointer<T>(weight), pointer<T>(bias)};
}

// Gradients of one call, of the three inputs; those not wanted are undefined.
struct Gradients {
  Tensor a, weight, bias;
};

Gradients backward(const Tensor& dy, const Tensor& a, const Tensor& weight,
                   const Tensor& mean, const Tensor& rstd, bool needs_a,
                   bool needs_weight, bool needs_bias) {
  const TensorOptions options{a.dtype(), a.device()};
  const Shape last = {a.size(-1)};
  Gradients d;
  if (needs_a) d.a = empty(a.shape(), options);
  if (needs_weight) d.weight = empty(last, options);
  if (needs_bias) d.bias = empty(last, options);
  const Tensor g = dense(dy), x = dense(a), w = dense(weight);
  compute_with_memory("layer_norm", a, [&]<class T>(auto device, T) {
    layer_norm_backward(device, inputs_of<T>(x, w, {}), g.data<T>(),
                        mean.data<T>(), rstd.data<T>(), mutable_pointer<T>(d.a),
                        mutable_pointer<T>(d.weight),
                        mutable_pointer<T>(d.bias));
  });
  return d;
}

// The same gradients in operations that are recorded themselves. With n the
// normalised input and h = g weight,
//   da = rstd (h - mean(h) - n mean(h n)).
void add_recorded(Backward& back, double eps) {
  const Tensor &g = back.grad(), x = back.saved(0), w = back.saved(1);
  const Tensor centred = x - mean(x, {-1}, true);
  const Tensor rstd = pow(mean(centred * centred, {-1}, true) + eps, -0.5);
  const Tensor n = centred * rstd;
  if (back.needs(0)) {
    const Tensor h = w.defined() ? g * w : g;
    const Tensor along = n * mean(h * n, {-1}, true);
    back.add(0, rstd * (h - mean(h, {-1}, true) - along));
  }
  const Shape last = {x.size(-1)};
  if (back.needs(1)) back.add(1, sum_to(g * n, last));
  if (back.needs(2)) back.add(2, sum_to(g, last));
}

}  // namespace

Tensor layer_norm(const Tensor& a, const Tensor& weight, const Tensor& bias,
                  double eps) {
  require(a.rank() >= 1, "layer_norm: expected at least one axis, got ",
          a.shape());
  require(eps > 0, "layer_norm: eps: expected a positive number, got ", eps);
  check_parameter("weight", a, weight);
  check_parameter("bias", a, bias);
  const Shape rows(a.shape().begin(), a.rank() - 1);
  const TensorOptions options{a.dtype(), a.device()};
  Tensor y = empty(a.shape(), options), mean = empty(rows, options),
         rstd = empty(rows, options);
  const Tensor x = dense(a), w = dense(weight), b = dense(bias);
  compute_floating("layer_norm", a, [&]<class T>(auto device, T) {
    layer_norm_forward(device, inputs_of<T>(x, w, b), eps, y.mutable_data<T>(),
                       mean.mutable_data<T>(), rstd.mutable_data<T>());
  });
  return record(
      "layer_norm", y, {a, weight, bias}, {a, weight, mean, rstd},
      [eps](Backward& back) {
        if (grad_enabled()) return add_recorded(back, eps);
        const Tensor &g = back.grad(), x = back.saved(0), w = back.saved(1);
        Gradients d = backward(g, x, w, back.saved(2), back.saved(3),
                               back.needs(0), back.needs(1), back.needs(2));
        if (d.a.defined()) back.add(0, std::move(d.a));
        if (d.weight.defined()) back.add(1, std::move(d.weight));
        if (d.bias.defined()) back.add(2, std::move(d.bias));
      });
}

}  // namespace sigtape
