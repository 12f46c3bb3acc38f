#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>
#include <vector>

#include "sigtape/framework/node.h"
#include "sigtape/framework/tensor.h"

namespace sigtape {

/// Whether operations are recorded on this thread. On by default.
bool grad_enabled();

/// Switches recording for a scope, and back at its end.
class GradMode {
 public:
  explicit GradMode(bool enabled);
  ~GradMode();
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool previous_;
};

/// No recording in this scope.
class NoGrad : public GradMode {
 public:
  NoGrad() : GradMode(false) {}
};

/// What a backward rule sees of its operation.
class Backward {
 public:
  Backward(Node& node, Tensor grad) : node_(node), grad_(std::move(grad)) {}
  Backward(const Backward&) = delete;

  /// The cotangent of the output, of its shape. Not necessarily contiguous.
  const Tensor& grad() const { return grad_; }
  /// Tensor i of the saved list. Throws UsageError if it has been changed in
  /// place since.
  Tensor saved(std::size_t i) const;
  /// Whether input i wants a gradient: compute nothing for one that does not.
  bool needs(std::size_t input) const { return node_.edges_[input].wanted(); }
  /// Hands over the cotangent of input i, of the input's shape. The first is
  /// moved in, later ones are added. Ignored where needs(i) is false.
  void add(std::size_t input, Tensor cotangent);

 private:
  Node& node_;
  Tensor grad_;
};

namespace detail {
bool any_requires_grad(TensorList inputs);
Ref<Node> new_node(const char* op, TensorList inputs, Tensor& output,
                   TensorList saved);
/// Throws NumericError naming op and element if anomaly detection is on and
/// `output` is not finite.
void check_anomaly(const char* op, const Tensor& output);
/// The same for the gradient that a rule gives an input.
void check_gradient(const char* op, std::size_t input, const Tensor& grad);
}  // namespace detail

/// True if an operation on `inputs` will be recorded: something to save for
/// backward is worth making only then.
inline bool will_record(TensorList inputs) {
  return grad_enabled() && detail::any_requires_grad(inputs);
}

/// Records that `op` made `output` from `inputs`, and how to go back. Nothing
/// happens if no input requires a gradient or recording is off. `op` must be a
/// literal. `saved` lists the only tensors that `rule` can use (an undefined
/// one stands for "not needed"); the rule, void(Backward&), may capture plain
/// numbers, and nothing that owns memory: this is checked. Under create_graph
/// the rule's own operations are recorded, so a rule made of operations of
/// ops.h is differentiable itself.
template <class Rule>
Tensor record(const char* op, Tensor output, TensorList inputs,
              TensorList saved, const Rule& rule) {
  static_assert(std::is_trivially_copyable_v<Rule> &&
                    std::is_trivially_destructible_v<Rule>,
                "what a rule keeps stands in the saved list");
  static_assert(sizeof(Rule) <= Node::rule_bytes && alignof(Rule) <= 16);
  detail::check_anomaly(op, output);
  if (!will_record(inputs)) return output;
  const Ref<Node> node = detail::new_node(op, inputs, output, saved);
  std::memcpy(node->rule_.data(), &rule, sizeof(Rule));
  node->run_ = [](const std::byte* bytes, Backward& backward) {
    (*reinterpret_cast<const Rule*>(bytes))(backward);
  };
  return output;
}

/// A rule for an operation without derivative: an error that names it.
[[noreturn]] void no_derivative(const char* op);

/// record() of an operation without derivative, such as a gradient whose own
/// gradient is not known: a backward through `output` ends in no_derivative.
inline Tensor record_without_derivative(const char* op, Tensor output,
                                        TensorList inputs) {
  return record(op, std::move(output), inputs, {},
                [op](Backward&) { no_derivative(op); });
}

/// Gradients of `output` (times `cotangent`) with respect to `inputs`, leaves
/// or not, without touching any leaf's grad. Undefined for an input that
/// output does not depend on.
std::vector<Tensor> gradients(const Tensor& output,
                              const std::vector<Tensor>& inputs,
                              Tensor cotangent = {},
                              BackwardOptions options = {});

/// Anomaly detection on this thread: every recorded or unrecorded output of an
/// operation and every gradient is checked for NaN and infinity. The error
/// (NumericError) names operation, layer and first bad element.
void set_anomaly_detection(bool enabled);
bool anomaly_detection();

/// Names the layer that runs in this scope, for error messages. The name must
/// outlive the graph.
class LayerScope {
 public:
  explicit LayerScope(const char* name);
  ~LayerScope();
  LayerScope(const LayerScope&) = delete;
  LayerScope& operator=(const LayerScope&) = delete;
  static const char* current();

 private:
  const char* previous_;
};

}  // namespace sigtape
