#include "sigtape/layers/signature/linear_signature.h"

#include <utility>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/linear_kernels.h"
#include "sigtape/framework/ops/reading.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/linear_signature_kernels.h"
#include "sigtape/layers/signature/signature_second.h"

namespace sigtape {

namespace {

void check(const Tensor& path, const Tensor& weight, const Tensor& bias) {
  require_same_type("linear_signature", path, weight);
  const bool fits = path.rank() == 3 && weight.rank() == 2 &&
                    path.size(0) > 0 && path.size(1) > 1 &&
                    path.size(2) == weight.size(1);
  require(fits,
          "linear_signature: expected path (batch, length, in) of at least 2 "
          "points and weight (out, in), got ",
          path.shape(), " and ", weight.shape());
  require(linear_signature_fits(path, weight, 2),
          "linear_signature: expected a path on a CPU that needs no gradient, "
          "out < 16 and in <= 64, got path ",
          path.shape(), " and weight ", weight.shape());
  if (!bias.defined()) return;
  require_same_type("linear_signature", path, bias);
  require(bias.shape() == Shape{weight.size(0)},
          "linear_signature: expected bias (", weight.size(0), "), got ",
          bias.shape());
}

Tensor points_of(const Tensor& path) {
  return reshape(path, {path.size(0) * path.size(1), path.size(2)});
}

// The same gradients in operations that are recorded themselves.
void go_back_recorded(Backward& back) {
  const Tensor path = back.saved(0), weight = back.saved(1);
  if (back.needs(0)) {
    const Tensor y = linear(path, weight, {});
    const SignatureShape shape{.batch = y.size(0),
                               .length = y.size(1),
                               .channels = y.size(2),
                               .depth = 2};
    const Tensor dy = signature_path_gradient(
        shape, {contiguous(y), {}, {}, {}}, contiguous(back.grad()));
    back.add(0, matmul(transpose(points_of(dy), 0, 1), points_of(path)));
  }
  if (back.needs(1)) {
    back.add(1, zeros({weight.size(0)}, {path.dtype(), path.device()}));
  }
}

void go_back(Backward& back) {
  if (grad_enabled()) return go_back_recorded(back);
  const Tensor moments = back.saved(2), mapped = back.saved(3);
  const Tensor dsignature = dense(back.grad());
  const TensorOptions options = {moments.dtype(), moments.device()};
  const std::int64_t batch = moments.size(0), out = mapped.size(2);
  if (back.needs(0)) {
    Tensor dweight = empty({out, moments.size(2)}, options);
    compute_floating("linear_signature", moments, [&]<class T>(auto, T) {
      cpu::linear_signature2_backward(
          batch, moments.size(2), out, moments.data<T>(), mapped.data<T>(),
          dsignature.data<T>(), dweight.mutable_data<T>());
    });
    back.add(0, std::move(dweight));
  }
  if (back.needs(1)) back.add(1, zeros({out}, options));
}

}  // namespace

bool linear_signature_fits(const Tensor& path, const Tensor& weight,
                           std::int64_t depth) {
  return depth == 2 && path.device().is_cpu() && !will_record({path}) &&
         !anomaly_detection() &&
         cpu::linear_signature2_fits(weight.size(1), weight.size(0));
}

Tensor linear_signature(const Tensor& path, const Tensor& weight,
                        const Tensor& bias) {
  check(path, weight, bias);
  const std::int64_t batch = path.size(0), out = weight.size(0);
  const TensorOptions options = {path.dtype(), path.device()};
  Tensor moments = empty({batch, out + 1, path.size(2)}, options);
  Tensor mapped = empty({batch, out + 1, out}, options);
  Tensor words = empty({batch, out + out * out}, options);
  const Tensor points = dense_rows(points_of(path.detach()));
  const Tensor w = dense(weight);
  compute_floating("linear_signature", path, [&]<class T>(auto, T) {
    cpu::linear_signature2_forward(row_runs<T>(points, path.size(1)), out,
                                   w.data<T>(), moments.mutable_data<T>(),
                                   mapped.mutable_data<T>(),
                                   words.mutable_data<T>());
  });
  return record("linear_signature", words, {weight, bias},
                {path, weight, moments, mapped},
                [](Backward& back) { go_back(back); });
}

}  // namespace sigtape
