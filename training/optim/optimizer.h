#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sigtape/layers/module.h"

namespace sigtape {

/// Stochastic gradient descent as in PyTorch: g += weight_decay w; v =
/// momentum v + g; w -= lr v, or with Nesterov's form w -= lr (g + momentum v).
struct SgdOptions {
  double lr = 0.01;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
};

/// Adam (Kingma and Ba, arXiv:1412.6980). Weight decay is added to the
/// gradient, or, decoupled, shrinks the weights by lr weight_decay (AdamW,
/// Loshchilov and Hutter, arXiv:1711.05101).
struct AdamOptions {
  double lr = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;
};

/// Limits of the gradient, applied inside the step; 0: none. By norm:
/// everything is scaled by min(1, norm / (|g| + 1e-6)); by value: each entry
/// is clamped to [-value, value].
struct ClipOptions {
  double norm = 0;
  double value = 0;
};

/// What an optimiser does, in numbers: for a trainer whose steps stay on a
/// device. Adam where beta2 > 0, else gradient descent.
struct UpdateRule {
  double beta1 = 0, beta2 = 0, eps = 0;
  double momentum = 0;
  bool nesterov = false;
  double gradient_decay = 0;  // times the weight, added to the gradient
  double shrink_decay = 0;    // times lr: what weights shrink by
};

/// Updates parameters from their gradients. A parameter without a gradient is
/// left alone. One pass over memory a step, and no allocation in it.
class Optimizer {
 public:
  explicit Optimizer(std::vector<NamedTensor> parameters);
  virtual ~Optimizer() = default;

  /// One update with learning rate `lr`.
  void step(double lr, const ClipOptions& clip = {});
  /// The Euclidean norm of all gradients together, summed in double in a fixed
  /// order.
  double gradient_norm() const;

  /// What must be stored to go on in the same bits: "NAME.momentum" and the
  /// like, the tensors themselves and not copies, and the number of steps.
  virtual std::vector<NamedTensor> state() const = 0;
  virtual UpdateRule rule() const = 0;
  const std::vector<NamedTensor>& parameters() const { return parameters_; }
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }

 protected:
  /// Changes parameter i by its gradient, each entry of it multiplied by
  /// `scale` and clamped to +-limit first (0: not clamped).
  virtual void update(std::size_t i, double lr, double scale, double limit) = 0;
  std::vector<NamedTensor> zeros_like_parameters(const char* suffix) const;

 private:
  std::vector<NamedTensor> parameters_;
  std::int64_t steps_ = 0;
};

std::unique_ptr<Optimizer> sgd(std::vector<NamedTensor> parameters,
                               const SgdOptions& options);
std::unique_ptr<Optimizer> adam(std::vector<NamedTensor> parameters,
                                const AdamOptions& options);

}  // namespace sigtape
