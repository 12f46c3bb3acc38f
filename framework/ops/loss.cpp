#include <utility>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/loss_kernels.h"
#include "sigtape/framework/ops/reading.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

Tensor reduce(const Tensor& losses, Reduction reduction) {
  switch (reduction) {
    case Reduction::mean:
      return mean(losses);
    case Reduction::sum:
      return sum(losses);
    case Reduction::none:
      break;
  }
  return losses;
}

void check_pair(const char* op, const Tensor& a, const Tensor& b) {
  require_same_type(op, a, b);
  require(is_floating(a.dtype()), op, ": expected float32 or float64, got ",
          a.dtype(), " ", a.shape());
  require(a.shape() == b.shape(), op, ": expected equal shapes, got ",
          a.shape(), " and ", b.shape());
}

void check_cross_entropy(const Tensor& logits, const Tensor& target,
                         const CrossEntropyOptions& options) {
  require(
      is_floating(logits.dtype()) && logits.rank() == 2 && logits.size(1) > 0,
      "cross_entropy: expected logits (batch, classes), got ", logits.shape(),
      " ", logits.dtype());
  require(
      target.dtype() == DType::int64 && target.shape() == Shape{logits.size(0)},
      "cross_entropy: expected an int64 target (", logits.size(0),
      ") for logits ", logits.shape(), ", got ", target.shape(), " ",
      target.dtype());
  require_same_device("cross_entropy", logits, target);
  require(options.label_smoothing >= 0 && options.label_smoothing < 1,
          "cross_entropy: label_smoothing: expected a number in [0, 1), got ",
          options.label_smoothing);
  const Tensor& weights = options.class_weights;
  if (!weights.defined()) return;
  require_same_type("cross_entropy", logits, weights);
  require(weights.shape() == Shape{logits.size(1)},
          "cross_entropy: expected class_weights (", logits.size(1),
          ") for logits ", logits.shape(), ", got ", weights.shape());
}

template <class T>
CrossEntropyInputs<T> inputs_of(const Tensor& logits, const Tensor& target,
                                const Tensor& weights, double smoothing) {
  CrossEntropyInputs<T> in;
  in.batch = logits.size(0);
  in.classes = logits.size(1);
  in.logits = logits.data<T>();
  in.row_step = logits.strides()[0];
  in.class_step = logits.strides()[1];
  in.target = target.data<std::int64_t>();
  in.target_step = target.strides()[0];
  if (weights.defined()) {
    in.weights = weights.data<T>();
    in.weight_step = weights.strides()[0];
  }
  in.smoothing = static_cast<T>(smoothing);
  return in;
}

Tensor logits_gradient(const Tensor& g, const Tensor& logits,
                       const Tensor& target, const Tensor& weights,
                       double smoothing) {
  Tensor out = empty(logits.shape(), {logits.dtype(), logits.device()});
  compute_floating("cross_entropy", logits, [&]<class T>(auto device, T) {
    cross_entropy_backward(device,
                           inputs_of<T>(logits, target, weights, smoothing),
                           g.data<T>(), g.strides()[0], out.mutable_data<T>());
  });
  return out;
}

// The same in operations that are recorded themselves: with m = w q, the
// weighted target distribution, g (softmax sum_c m_c - m).
Tensor recorded_gradient(const Tensor& g, const Tensor& logits,
                         const Tensor& target, const Tensor& weights,
                         double smoothing) {
  const std::int64_t batch = logits.size(0), classes = logits.size(1);
  const TensorOptions like = {logits.dtype(), logits.device()};
  const Tensor w = (weights.defined() ? weights : ones({classes}, like));
  const Tensor all = expand(reshape(w.detach(), {1, classes}), logits.shape());
  const Tensor index = reshape(target, {batch, 1});
  const Tensor aimed =
      scatter_add(logits.shape(), 1, index, gather(all, 1, index));
  const Tensor m = aimed * (1 - smoothing) +
                   all * (smoothing / static_cast<double>(classes));
  return reshape(g, {batch, 1}) * (softmax(logits, 1) * sum(m, {1}, true) - m);
}

// g times factor times the errors.
Tensor squared_errors_gradient(const Tensor& g, const Tensor& prediction,
                               const Tensor& target, double factor) {
  if (grad_enabled()) return mul(mul(g, factor), sub(prediction, target));
  Tensor out =
      empty(prediction.shape(), {prediction.dtype(), prediction.device()});
  const Tensor p = dense(prediction), t = dense(target), of_loss = dense(g);
  count_copy(p);
  count_copy(t);
  compute_floating("mse_loss", p, [&]<class T>(auto, T) {
    squared_errors_gradient(Cpu{}, p.numel(),
                            static_cast<T>(factor) * *of_loss.data<T>(),
                            p.data<T>(), t.data<T>(), out.mutable_data<T>());
  });
  return out;
}

// scale times the sum of squared errors, on the CPU.
Tensor squared_errors(const Tensor& prediction, const Tensor& target,
                      double scale) {
  Tensor loss = empty({}, {prediction.dtype(), prediction.device()});
  const Tensor p = dense(prediction), t = dense(target);
  count_copy(p);
  count_copy(t);
  compute_floating("mse_loss", p, [&]<class T>(auto, T) {
    *loss.mutable_data<T>() =
        static_cast<T>(scale * sum_of_squared_errors(Cpu{}, p.numel(),
                                                     p.data<T>(), t.data<T>()));
  });
  return record("mse_loss", loss, {prediction, target}, {prediction, target},
                [scale](Backward& b) {
                  Tensor gradient = squared_errors_gradient(
                      b.grad(), b.saved(0), b.saved(1), 2 * scale);
                  if (b.needs(1)) b.add(1, neg(gradient));
                  if (b.needs(0)) b.add(0, std::move(gradient));
                });
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& target,
                     const CrossEntropyOptions& options) {
  check_cross_entropy(logits, target, options);
  const Shape batch = {logits.size(0)};
  Tensor losses = empty(batch, {logits.dtype(), logits.device()});
  Tensor target_weights = empty_like(losses);
  const Tensor& weights = options.class_weights;
  compute_floating("cross_entropy", logits, [&]<class T>(auto device, T) {
    const auto in =
        inputs_of<T>(logits, target, weights, options.label_smoothing);
    check_targets(device, in.target, in.target_step, in.batch, in.classes);
    cross_entropy_forward(device, in, losses.mutable_data<T>(),
                          target_weights.mutable_data<T>());
  });
  losses = record("cross_entropy", losses, {logits}, {logits, target, weights},
                  [smoothing = options.label_smoothing](Backward& b) {
                    const auto gradient =
                        grad_enabled() ? recorded_gradient : logits_gradient;
                    b.add(0, gradient(b.grad(), b.saved(0), b.saved(1),
                                      b.saved(2), smoothing));
                  });
  if (weights.defined() && options.reduction == Reduction::mean) {
    return div(sum(losses), sum(target_weights));
  }
  return reduce(losses, options.reduction);
}

Tensor mse_loss(const Tensor& prediction, const Tensor& target,
                Reduction reduction) {
  check_pair("mse_loss", prediction, target);
  const std::int64_t count = prediction.numel();
  if (reduction != Reduction::none && count > 0 &&
      prediction.device().is_cpu()) {
    const double scale =
        reduction == Reduction::mean ? 1 / static_cast<double>(count) : 1;
    return squared_errors(prediction, target, scale);
  }
  const Tensor error = sub(prediction, target);
  return reduce(mul(error, error), reduction);
}

Tensor mae_loss(const Tensor& prediction, const Tensor& target,
                Reduction reduction) {
  check_pair("mae_loss", prediction, target);
  return reduce(abs(sub(prediction, target)), reduction);
}

// With q the error limited to [-delta, delta], the loss is q (error - q / 2).
Tensor huber_loss(const Tensor& prediction, const Tensor& target, double delta,
                  Reduction reduction) {
  check_pair("huber_loss", prediction, target);
  require(delta > 0, "huber_loss: delta: expected a positive number, got ",
          delta);
  const Tensor error = sub(prediction, target);
  const Tensor above = relu(sub(error, delta));
  const Tensor below = relu(sub(-delta, error));
  const Tensor limited = add(sub(error, above), below);
  return reduce(mul(limited, sub(error, mul(limited, 0.5))), reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits,
                                        const Tensor& target,
                                        Reduction reduction) {
  const char* op = "binary_cross_entropy_with_logits";
  check_pair(op, logits, target);
  Tensor losses = empty(logits.shape(), {logits.dtype(), logits.device()});
  const auto walk =
      read_strided<3>(losses.shape(), {&losses, &logits, &target});
  compute_floating(op, logits, [&]<class T>(auto device, T) {
    binary_cross_entropy(device, walk, losses.mutable_data<T>(),
                         logits.data<T>(), target.data<T>());
  });
  losses = record(op, losses, {logits}, {logits, target}, [](Backward& b) {
    b.add(0, mul(b.grad(), sub(sigmoid(b.saved(0)), b.saved(1))));
  });
  return reduce(losses, reduction);
}

}  // namespace sigtape
