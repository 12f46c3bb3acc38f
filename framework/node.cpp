#include "sigtape/framework/node.h"

#include <utility>

#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

Edge edge_to(const Tensor& input) {
  if (!input.defined() || !input.requires_grad()) return {};
  if (input.node()) return {input.node(), {}};
  return {{}, input.impl()};
}

SavedTensor save(const Tensor& tensor, const Tensor& output) {
  if (!tensor.defined()) return {};
  const bool own = tensor.impl() == output.impl();
  return {own ? tensor.detach() : tensor, tensor.version(), own};
}

}  // namespace

Node::Node(const char* op, TensorList inputs, const Tensor& output,
           TensorList saved)
    : op_(op),
      scope_(LayerScope::current()),
      tape_(&Tape::current()),
      shape_(output.shape()),
      dtype_(output.dtype()) {
  edges_.reserve(inputs.size());
  for (const Tensor& input : inputs) edges_.push_back(edge_to(input));
  saved_.reserve(saved.size());
  for (const Tensor& tensor : saved) saved_.push_back(save(tensor, output));
  tape_->append(this);
}

Node::~Node() { tape_->unlink(this); }

std::int64_t Node::saved_bytes() const {
  std::int64_t bytes = 0;
  for (const SavedTensor& s : saved_) {
    if (s.tensor.defined())
      bytes += s.tensor.numel() * size_of(s.tensor.dtype());
  }
  return bytes;
}

void Node::free_graph() {
  saved_.clear();
  edges_.clear();
  freed_ = true;
}

void Node::destroy(Node* node) {
  thread_local Node* dead = nullptr;
  thread_local bool burying = false;
  node->next_dead_ = std::exchange(dead, node);
  if (burying) return;  // the outer call below reaches it
  burying = true;
  while (dead) {
    Node* first = std::exchange(dead, dead->next_dead_);
    delete first;
  }
  burying = false;
}

Tape& Tape::current() {
  thread_local const Ref<Tape> tape(new Tape);
  return *tape;
}

std::int64_t Tape::size() {
  const std::lock_guard lock(mutex_);
  return size_;
}

void Tape::append(Node* node) {
  const std::lock_guard lock(mutex_);
  node->previous_ = last_;
  if (last_) last_->next_ = node;
  last_ = node;
  ++size_;
}

void Tape::unlink(Node* node) {
  const std::lock_guard lock(mutex_);
  if (node->previous_) node->previous_->next_ = node->next_;
  (node->next_ ? node->next_->previous_ : last_) = node->previous_;
  --size_;
}

Ref<Node> Tape::before(const Node& node) {
  const std::lock_guard lock(mutex_);
  Node* previous = node.previous_;
  // A node without references waits for its destruction: pass it by.
  while (previous && !previous->retain_if_alive())
    previous = previous->previous_;
  Ref<Node> held(previous);
  if (previous) previous->release();
  return held;
}

}  // namespace sigtape
