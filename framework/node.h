#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <vector>

#include "sigtape/framework/tensor.h"

namespace sigtape {

class Backward;
class Tape;

/// A tensor kept for a backward rule, with the version it had.
struct SavedTensor {
  Tensor tensor;
  std::uint32_t version = 0;
  /// The node's own output, kept without its history (which would be a cycle).
  bool own_output = false;
};

/// Where a gradient goes: the operation that made an input, or the leaf that
/// it is. Both null where no gradient is wanted.
struct Edge {
  Ref<Node> node;
  Ref<TensorImpl> leaf;
  bool wanted() const { return node || leaf; }
};

template <class T>
using CacheVector = std::vector<T, CacheAllocator<T>>;

/// One recorded operation: its name, inputs, saved tensors and backward rule.
/// Nodes stand in their thread's tape in the order of creation, as a linked
/// list, so a graph that nobody holds any more leaves the tape at once.
class Node : public RefCounted<Node> {
 public:
  static constexpr std::size_t rule_bytes = 256;
  using Run = void (*)(const std::byte* rule, Backward& backward);

  Node(const char* op, TensorList inputs, const Tensor& output,
       TensorList saved);
  ~Node();

  const char* op() const { return op_; }
  /// The layer that was running, or "".
  const char* scope() const { return scope_; }
  /// Bytes of the tensors kept for backward.
  std::int64_t saved_bytes() const;
  const CacheVector<SavedTensor>& saved() const { return saved_; }

 private:
  friend class RefCounted<Node>;
  friend class Backward;
  friend class BackwardWalk;
  friend class Tape;
  template <class Rule>
  friend Tensor record(const char* op, Tensor output, TensorList inputs,
                       TensorList saved, const Rule& rule);

  // Destroys a node whose last reference is gone. A chain of nodes that only
  // hold each other is freed by a loop, never by recursion.
  static void destroy(Node* node);
  void free_graph();

  const char* op_;
  const char* scope_;
  Node* previous_ = nullptr;
  Node* next_ = nullptr;
  Node* next_dead_ = nullptr;
  Ref<Tape> tape_;
  CacheVector<Edge> edges_;
  CacheVector<SavedTensor> saved_;
  Shape shape_;
  DType dtype_;
  Tensor pending_;  // the gradient that has arrived in the running backward
  bool freed_ = false;
  Run run_ = nullptr;
  alignas(16) std::array<std::byte, rule_bytes> rule_;
};

/// The nodes of one thread, in the order of creation.
class Tape : public RefCounted<Tape> {
 public:
  static Tape& current();
  /// Nodes alive.
  std::int64_t size();

 private:
  friend class Node;
  friend class Backward;
  friend class BackwardWalk;
  void append(Node* node);
  void unlink(Node* node);
  // The node before `node` that is still alive, held.
  Ref<Node> before(const Node& node);

  std::mutex mutex_;  // a graph may be freed by another thread
  Node* last_ = nullptr;
  std::int64_t size_ = 0;
  std::int64_t pending_ = 0;  // nodes that a gradient waits at
};

}  // namespace sigtape
