#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <iterator>
#include <span>
#include <vector>

#include "sigtape/framework/check.h"
#include "sigtape/framework/device.h"
#include "sigtape/framework/dtype.h"
#include "sigtape/framework/ref.h"
#include "sigtape/framework/shape.h"
#include "sigtape/framework/storage.h"

namespace sigtape {

class Node;
struct TensorImpl;

/// How Tensor::backward walks the graph.
struct BackwardOptions {
  /// Keeps the graph for another backward; else its saved tensors are freed.
  bool retain_graph = false;
  /// Records the derivatives themselves, for derivatives of derivatives.
  bool create_graph = false;
};

/// A handle to an n-dimensional array: copying it copies no data. Tensors that
/// view the same storage see each other's changes. Elements are float32,
/// float64 or int64; operations are in ops.h, creation is below.
class Tensor {
 public:
  /// No tensor: defined() is false and everything else throws or is invalid.
  Tensor() = default;
  explicit Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}
  /// A view of `storage` starting at element `offset`.
  Tensor(Ref<Storage> storage, std::int64_t offset, const Shape& shape,
         const Shape& strides, DType dtype);

  bool defined() const { return static_cast<bool>(impl_); }
  const Shape& shape() const;
  /// In elements, not bytes.
  const Shape& strides() const;
  int rank() const { return shape().rank(); }
  /// Size of dimension `dim`, which counts from the end where negative.
  std::int64_t size(int dim) const;
  std::int64_t numel() const;
  DType dtype() const;
  Device device() const;
  /// Elements stand in row-major order without gaps.
  bool is_contiguous() const;

  /// The first element. Throws UsageError if T is not the tensor's type.
  template <class T>
  const T* data() const {
    return static_cast<const T*>(raw(dtype_of<T>()));
  }
  /// The same for writing: counts as a change in place (see version).
  template <class T>
  T* mutable_data() {
    bump_version();
    return static_cast<T*>(raw(dtype_of<T>()));
  }
  /// This tensor if it is on `device` already, else a copy there, row-major
  /// and recorded. Throws DeviceError or MemoryError.
  Tensor to(Device device) const;
  /// The value of a tensor of one element, as T.
  template <class T = double>
  T item() const {
    return static_cast<T>(scalar());
  }
  /// All elements in row-major order, converted to T.
  template <class T = double>
  std::vector<T> to_vector() const {
    const std::vector<double> values = to_doubles();
    return std::vector<T>(values.begin(), values.end());
  }

  // ---- Changes in place. They are not recorded: a tensor that takes part in
  // a recorded graph may be changed under NoGrad only (UsageError otherwise),
  // and a backward that needs its old value says so.

  Tensor& fill_(double value);
  Tensor& zero_() { return fill_(0); }
  /// Takes over the values of `source`, broadcast and converted to this type,
  /// from any device.
  Tensor& copy_(const Tensor& source);
  /// Adds scale * `other`, of the same shape and type.
  Tensor& add_(const Tensor& other, double scale = 1);
  Tensor& mul_(double factor);

  // ---- Automatic differentiation

  /// Is a leaf that gradients are wanted for, or was computed from one.
  bool requires_grad() const;
  /// Makes this leaf a variable. Throws for int64 and for results of
  /// operations.
  Tensor& set_requires_grad(bool value = true);
  bool is_leaf() const;
  /// The gradient that backward has accumulated here; undefined before.
  Tensor grad() const;
  void set_grad(Tensor grad);
  void clear_grad() { set_grad(Tensor()); }
  /// Adds d(this)/d(leaf), times `cotangent` (this shape; 1 by default for one
  /// element), to the grad of every leaf this was computed from, or to its own
  /// if this is a leaf that wants one. Throws UsageError when nothing was
  /// recorded, the graph is freed already, a saved tensor has been changed in
  /// place, or the shape is wrong.
  void backward(Tensor cotangent = {}, BackwardOptions options = {}) const;
  /// The same elements without history.
  Tensor detach() const;

  /// Changes in place that the storage has seen.
  std::uint32_t version() const;
  void bump_version();

  const Ref<TensorImpl>& impl() const { return impl_; }
  /// The operation that made this tensor; null for a leaf.
  const Ref<Node>& node() const;

 private:
  void* raw(DType type) const;
  double scalar() const;
  std::vector<double> to_doubles() const;

  Ref<TensorImpl> impl_;
};

/// What a Tensor handle refers to.
struct TensorImpl : RefCounted<TensorImpl> {
  TensorImpl();
  ~TensorImpl();
  Ref<Storage> storage;
  std::int64_t offset = 0;
  Shape shape;
  Shape strides;
  DType dtype = DType::float32;
  bool requires_grad = false;
  Ref<Node> node;
  Tensor grad;
};

/// Type and place of new tensors.
struct TensorOptions {
  DType dtype = DType::float32;
  Device device = {};
};

/// An uninitialised tensor. Throws UsageError for a negative size and
/// MemoryError where there is no room.
Tensor empty(const Shape& shape, TensorOptions options = {});
/// Of the shape, type and device of `other`.
Tensor empty_like(const Tensor& other);
Tensor zeros(const Shape& shape, TensorOptions options = {});
Tensor ones(const Shape& shape, TensorOptions options = {});
Tensor full(const Shape& shape, double value, TensorOptions options = {});
/// A tensor of `shape` with these elements in row-major order.
Tensor from_values(std::span<const double> values, const Shape& shape,
                   TensorOptions options = {});
Tensor from_values(std::initializer_list<double> values, const Shape& shape,
                   TensorOptions options = {});
/// A tensor of `shape` on the CPU whose block i, shape[0] of them, is what
/// stands from element firsts[i] of the contiguous `source` on. Copied when the
/// elements are first asked for; some operations read them where they stand
/// instead. `source` must not change as long as the result lives.
Tensor select_blocks(const Tensor& source, std::span<const std::int64_t> firsts,
                     const Shape& shape);
/// An int64 tensor of one dimension, on the CPU.
Tensor from_indices(std::span<const std::int64_t> values);
/// count numbers from first to last at equal steps; first where count is 1.
Tensor linspace(double first, double last, std::int64_t count,
                TensorOptions options = {});
/// Uniform in [low, high) from the default generator (random.h); the same
/// numbers, rounded, in float32 as in float64.
Tensor uniform(const Shape& shape, double low, double high,
               TensorOptions options = {});
/// Standard normal from the default generator.
Tensor randn(const Shape& shape, TensorOptions options = {});

/// A view of the same elements with other sizes and strides. Not recorded:
/// for the implementation of operations.
Tensor alias(const Tensor& tensor, const Shape& shape, const Shape& strides,
             std::int64_t offset);

/// The tensor itself if it is contiguous, else a recorded copy that is.
Tensor contiguous(const Tensor& tensor);

/// Shape, type and, for small tensors, the elements.
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

/// A read-only sequence of tensors: a braced list, a vector or a span.
class TensorList {
 public:
  /// The list must outlive this object, as one in a call's arguments does.
  TensorList(const std::initializer_list<Tensor>& list)
      : data_(std::data(list)), size_(list.size()) {}
  template <class Container>
  requires requires(const Container& c) {
    { c.data() } -> std::convertible_to<const Tensor*>;
  }
  TensorList(const Container& c) : data_(c.data()), size_(c.size()) {}
  std::size_t size() const { return size_; }
  const Tensor* begin() const { return data_; }
  const Tensor* end() const { return data_ + size_; }
  const Tensor& operator[](std::size_t i) const { return data_[i]; }

 private:
  const Tensor* data_;
  std::size_t size_;
};

}  // namespace sigtape
