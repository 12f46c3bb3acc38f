#include "sigtape/framework/tape.h"

#include <cmath>
#include <utility>

#include "sigtape/framework/ops.h"

namespace sigtape {

namespace {

thread_local bool recording = true;

// Nobody else can see the elements: they may be overwritten.
bool is_unique(const Tensor& tensor) {
  return tensor.impl()->references() == 1 &&
         tensor.impl()->storage->references() == 1 && tensor.is_contiguous();
}

void accumulate(Tensor& sum, Tensor term) {
  if (!sum.defined()) {
    sum = std::move(term);
  } else if (!recording && is_unique(sum)) {
    sum.add_(term);
  } else {
    sum = add(sum, term);
  }
}

// A leaf's gradient is its own: nothing else may change with it.
void accumulate_leaf(Tensor& sum, Tensor term) {
  if (!sum.defined() && !recording && !is_unique(term)) term = clone(term);
  accumulate(sum, std::move(term));
}

}  // namespace

// One backward: a reverse walk over the tape from the output's node, running
// each node that a gradient waits at. Every input of a node is older than the
// node, so when the walk reaches a node all its gradient has arrived.
class BackwardWalk {
 public:
  BackwardWalk(const Tensor& output, Tensor cotangent, BackwardOptions options,
               const std::vector<Tensor>* targets = nullptr)
      : options_(options), mode_(options.create_graph), targets_(targets) {
    if (targets_) results_.resize(targets_->size());
    outer_ = std::exchange(active_, this);
    node_ = output.node();
    if (node_) {
      arrive(*node_, std::move(cotangent));
    } else {
      arrive(output.impl(), std::move(cotangent));
    }
  }

  ~BackwardWalk() {
    // After an error, gradients that still wait are dropped.
    for (; node_ && tape().pending_; node_ = tape().before(*node_)) take();
    active_ = outer_;
  }

  void run() {
    for (; node_ && tape().pending_; node_ = tape().before(*node_)) {
      if (node_->pending_.defined()) visit();
    }
  }

  std::vector<Tensor>& results() { return results_; }
  static BackwardWalk& active() { return *active_; }

  // A gradient reaches a node: the node is held until the walk comes by.
  static void arrive(Node& node, Tensor grad) {
    if (!node.pending_.defined()) {
      node.retain();
      ++node.tape_->pending_;
    }
    accumulate(node.pending_, std::move(grad));
  }

  void arrive(const Ref<TensorImpl>& leaf, Tensor grad) {
    if (!targets_) return accumulate_leaf(leaf->grad, std::move(grad));
    for (std::size_t i = 0; i < targets_->size(); ++i) {
      if ((*targets_)[i].impl() == leaf) accumulate(results_[i], grad);
    }
  }

 private:
  Tape& tape() { return *node_->tape_; }

  Tensor take() {
    if (!node_->pending_.defined()) return {};
    --tape().pending_;
    Tensor grad = std::exchange(node_->pending_, Tensor());
    node_->release();
    return grad;
  }

  void visit() {
    const Tensor grad = take();
    capture(grad);
    require(!node_->freed_, "backward: the graph of '", node_->op_,
            "' was already freed by an earlier backward; pass retain_graph to "
            "the earlier one");
    Backward backward(*node_, grad);
    const LayerScope scope(node_->scope_);
    node_->run_(node_->rule_.data(), backward);
    if (!options_.retain_graph && !options_.create_graph) node_->free_graph();
  }

  void capture(const Tensor& grad) {
    if (!targets_) return;
    for (std::size_t i = 0; i < targets_->size(); ++i) {
      if ((*targets_)[i].node() == node_) results_[i] = grad;
    }
  }

  static thread_local BackwardWalk* active_;
  BackwardOptions options_;
  GradMode mode_;
  const std::vector<Tensor>* targets_;
  std::vector<Tensor> results_;
  BackwardWalk* outer_;
  Ref<Node> node_;
};

thread_local BackwardWalk* BackwardWalk::active_ = nullptr;

bool grad_enabled() { return recording; }
GradMode::GradMode(bool enabled)
    : previous_(std::exchange(recording, enabled)) {}
GradMode::~GradMode() { recording = previous_; }

Tensor Backward::saved(std::size_t i) const {
  const SavedTensor& s = node_.saved_[i];
  if (!s.tensor.defined()) return {};
  require(s.tensor.version() == s.version, "backward of '", node_.op_,
          "': a tensor of shape ", s.tensor.shape(),
          " that it saved was changed in place after the "
          "forward pass (version ",
          s.tensor.version(), ", expected ", s.version, ")");
  if (!s.own_output || !recording) return s.tensor;
  Tensor output = s.tensor.detach();
  output.impl()->node = Ref<Node>(&node_);
  output.impl()->requires_grad = true;
  return output;
}

void Backward::add(std::size_t input, Tensor cotangent) {
  const Edge& edge = node_.edges_[input];
  if (!edge.wanted()) return;
  const Shape& shape = edge.node ? edge.node->shape_ : edge.leaf->shape;
  const DType dtype = edge.node ? edge.node->dtype_ : edge.leaf->dtype;
  require(cotangent.shape() == shape && cotangent.dtype() == dtype,
          "backward of '", node_.op_, "': gradient of input ", input,
          ": expected ", shape, " ", dtype, ", got ", cotangent.shape(), " ",
          cotangent.dtype());
  detail::check_gradient(node_.op_, input, cotangent);
  if (edge.node) {
    BackwardWalk::arrive(*edge.node, std::move(cotangent));
  } else {
    BackwardWalk::active().arrive(edge.leaf, std::move(cotangent));
  }
}

bool detail::any_requires_grad(TensorList inputs) {
  for (const Tensor& t : inputs) {
    if (t.defined() && t.requires_grad()) return true;
  }
  return false;
}

Ref<Node> detail::new_node(const char* op, TensorList inputs, Tensor& output,
                           TensorList saved) {
  Ref<Node> node(new Node(op, inputs, output, saved));
  output.impl()->node = node;
  output.impl()->requires_grad = true;
  return node;
}

void no_derivative(const char* op) {
  fail("backward: '", op, "' has no derivative");
}

namespace {

// Checks what backward is called with; a default cotangent is a 1.
Tensor checked_cotangent(const Tensor& output, Tensor cotangent) {
  require(output.defined() && output.requires_grad(),
          "backward: nothing was recorded for this tensor: no operation that "
          "made it had an input that requires a gradient");
  if (!cotangent.defined()) {
    require(output.numel() == 1,
            "backward: expected one element or a "
            "cotangent, got shape ",
            output.shape());
    return full(output.shape(), 1, {output.dtype(), output.device()});
  }
  require(cotangent.shape() == output.shape() &&
              cotangent.dtype() == output.dtype(),
          "backward: expected a cotangent of ", output.shape(), " ",
          output.dtype(), ", got ", cotangent.shape(), " ", cotangent.dtype());
  return cotangent;
}

}  // namespace

void Tensor::backward(Tensor cotangent, BackwardOptions options) const {
  BackwardWalk(*this, checked_cotangent(*this, std::move(cotangent)), options)
      .run();
}

std::vector<Tensor> gradients(const Tensor& output,
                              const std::vector<Tensor>& inputs,
                              Tensor cotangent, BackwardOptions options) {
  BackwardWalk walk(output, checked_cotangent(output, std::move(cotangent)),
                    options, &inputs);
  walk.run();
  return std::move(walk.results());
}

}  // namespace sigtape
