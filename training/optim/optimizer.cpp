#include "sigtape/training/optim/optimizer.h"

#include <algorithm>
#include <cmath>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/training/optim/optimizer_kernels.h"

namespace sigtape {

namespace {

// A parameter's gradient, without another reference to it: there are many
// parameters and little work for each.
const Tensor& gradient_of(const NamedTensor& parameter) {
  return parameter.tensor.impl()->grad;
}

class Sgd : public Optimizer {
 public:
  Sgd(std::vector<NamedTensor> parameters, const SgdOptions& options)
      : Optimizer(std::move(parameters)), options_(options) {
    if (options.momentum != 0) velocity_ = zeros_like_parameters("momentum");
  }

  std::vector<NamedTensor> state() const override { return velocity_; }
  UpdateRule rule() const override {
    return {.momentum = options_.momentum,
            .nesterov = options_.nesterov,
            .gradient_decay = options_.weight_decay};
  }

 private:
  void update(std::size_t i, double lr, double scale, double limit) override {
    Tensor weight = parameters()[i].tensor;
    const Tensor gradient = contiguous(gradient_of(parameters()[i]));
    compute_floating("sgd", weight, [&]<class T>(auto device, T) {
      const SgdStep<T> step{static_cast<T>(lr),
                            static_cast<T>(options_.momentum),
                            static_cast<T>(options_.weight_decay),
                            options_.nesterov,
                            {static_cast<T>(scale), static_cast<T>(limit)}};
      T* velocity = velocity_.empty()
                        ? nullptr
                        : velocity_[i].tensor.template mutable_data<T>();
      sgd_update(device, step, weight.numel(), weight.mutable_data<T>(),
                 gradient.data<T>(), velocity);
    });
  }

  SgdOptions options_;
  std::vector<NamedTensor> velocity_;
};

class Adam : public Optimizer {
 public:
  Adam(std::vector<NamedTensor> parameters, const AdamOptions& options)
      : Optimizer(std::move(parameters)),
        options_(options),
        m_(zeros_like_parameters("m")),
        v_(zeros_like_parameters("v")) {}

  std::vector<NamedTensor> state() const override {
    std::vector<NamedTensor> all = m_;
    all.insert(all.end(), v_.begin(), v_.end());
    return all;
  }
  UpdateRule rule() const override {
    const AdamOptions& o = options_;
    return {.beta1 = o.beta1,
            .beta2 = o.beta2,
            .eps = o.eps,
            .gradient_decay = o.decoupled ? 0 : o.weight_decay,
            .shrink_decay = o.decoupled ? o.weight_decay : 0};
  }

 private:
  void update(std::size_t i, double lr, double scale, double limit) override {
    const AdamOptions& o = options_;
    if (corrected_ != steps()) correct();
    Tensor weight = parameters()[i].tensor;
    const Tensor gradient = contiguous(gradient_of(parameters()[i]));
    compute_floating("adam", weight, [&]<class T>(auto device, T) {
      const AdamStep<T> step{
          static_cast<T>(lr / correction1_),
          static_cast<T>(root_correction2_),
          static_cast<T>(o.beta1),
          static_cast<T>(o.beta2),
          static_cast<T>(o.eps),
          static_cast<T>(o.decoupled ? 0 : o.weight_decay),
          static_cast<T>(o.decoupled ? 1 - lr * o.weight_decay : 1),
          {static_cast<T>(scale), static_cast<T>(limit)}};
      adam_update(device, step, weight.numel(), weight.mutable_data<T>(),
                  gradient.data<T>(), m_[i].tensor.template mutable_data<T>(),
                  v_[i].tensor.template mutable_data<T>());
    });
  }

  void correct() {
    const double t = static_cast<double>(steps());
    correction1_ = 1 - std::pow(options_.beta1, t);
    root_correction2_ = std::sqrt(1 - std::pow(options_.beta2, t));
    corrected_ = steps();
  }

  AdamOptions options_;
  std::vector<NamedTensor> m_, v_;
  // 1 - beta1^t, and the root of 1 - beta2^t, of step `corrected_`.
  std::int64_t corrected_ = 0;
  double correction1_ = 1, root_correction2_ = 1;
};

}  // namespace

Optimizer::Optimizer(std::vector<NamedTensor> parameters)
    : parameters_(std::move(parameters)) {}

std::vector<NamedTensor> Optimizer::zeros_like_parameters(
    const char* suffix) const {
  std::vector<NamedTensor> state;
  for (const NamedTensor& p : parameters_) {
    state.push_back(
        {p.name + "." + suffix,
         zeros(p.tensor.shape(), {p.tensor.dtype(), p.tensor.device()})});
  }
  return state;
}

double Optimizer::gradient_norm() const {
  if (parameters_.empty() || shapes_only()) return 0;
  const NoGrad no_grad;
  const auto count = static_cast<std::int64_t>(parameters_.size());
  const TensorOptions options = {DType::float64,
                                 parameters_.front().tensor.device()};
  const bool here = options.device.is_cpu();
  Tensor squares = here ? Tensor() : zeros({count}, options);
  double* to = here ? nullptr : squares.mutable_data<double>();
  double sum = 0;
  for (const NamedTensor& p : parameters_) {
    double own = 0;
    double* const sum_to = here ? &own : to++;
    if (!gradient_of(p).defined()) continue;
    const Tensor gradient = contiguous(gradient_of(p));
    compute_floating("gradient_norm", gradient, [&]<class T>(auto device, T) {
      sum_of_squares(device, gradient.numel(), gradient.data<T>(), sum_to);
    });
    sum += own;
  }
  if (here) return std::sqrt(sum);
  const Tensor sums = squares.to({});
  for (std::int64_t i = 0; i < count; ++i) sum += sums.data<double>()[i];
  return std::sqrt(sum);
}

void Optimizer::step(double lr, const ClipOptions& clip) {
  const NoGrad no_grad;
  double scale = 1;
  if (clip.norm > 0) {
    scale = std::min(1.0, clip.norm / (gradient_norm() + 1e-6));
  }
  ++steps_;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (gradient_of(parameters_[i]).defined()) {
      update(i, lr, scale, clip.value);
    }
  }
}

std::unique_ptr<Optimizer> sgd(std::vector<NamedTensor> parameters,
                               const SgdOptions& options) {
  require(!options.nesterov || options.momentum > 0,
          "sgd: nesterov needs a momentum above 0");
  return std::make_unique<Sgd>(std::move(parameters), options);
}

std::unique_ptr<Optimizer> adam(std::vector<NamedTensor> parameters,
                                const AdamOptions& options) {
  return std::make_unique<Adam>(std::move(parameters), options);
}

}  // namespace sigtape
