#include "sigtape/framework/tensor.h"

#include <ostream>

#include "sigtape/framework/node.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

TensorImpl::TensorImpl() = default;
TensorImpl::~TensorImpl() = default;

Tensor::Tensor(Ref<Storage> storage, std::int64_t offset, const Shape& shape,
               const Shape& strides, DType dtype)
    : impl_(new TensorImpl) {
  impl_->storage = std::move(storage);
  impl_->offset = offset;
  impl_->shape = shape;
  impl_->strides = strides;
  impl_->dtype = dtype;
}

const Shape& Tensor::shape() const {
  require(defined(), "tensor: undefined");
  return impl_->shape;
}

const Shape& Tensor::strides() const { return impl_->strides; }

std::int64_t Tensor::size(int dim) const {
  return shape()[normalise_dim("size", dim, rank())];
}

std::int64_t Tensor::numel() const { return shape().numel(); }
DType Tensor::dtype() const { return impl_->dtype; }
Device Tensor::device() const { return impl_->storage->device(); }

bool Tensor::is_contiguous() const {
  std::int64_t expected = 1;
  for (int i = rank() - 1; i >= 0; --i) {
    if (impl_->shape[i] == 0) return true;
    if (impl_->shape[i] != 1 && impl_->strides[i] != expected) return false;
    expected *= impl_->shape[i];
  }
  return true;
}

bool Tensor::requires_grad() const { return impl_->requires_grad; }
bool Tensor::is_leaf() const { return !impl_->node; }
Tensor Tensor::grad() const { return impl_->grad; }
const Ref<Node>& Tensor::node() const { return impl_->node; }
std::uint32_t Tensor::version() const { return impl_->storage->version(); }
void Tensor::bump_version() { impl_->storage->bump_version(); }

Tensor& Tensor::set_requires_grad(bool value) {
  require(is_leaf(),
          "set_requires_grad: expected a leaf, got the result of an "
          "operation; detach() it first");
  require(!value || is_floating(dtype()),
          "set_requires_grad: int64 has no gradient");
  impl_->requires_grad = value;
  return *this;
}

void Tensor::set_grad(Tensor grad) {
  require(
      !grad.defined() || (grad.shape() == shape() && grad.dtype() == dtype()),
      "set_grad: expected ", shape(), " ", dtype(),
      ", got another shape or type");
  impl_->grad = std::move(grad);
}

Tensor Tensor::detach() const {
  return alias(*this, shape(), strides(), impl_->offset);
}

void* Tensor::raw(DType type) const {
  require(type == dtype(), "data: expected ", type, ", the tensor is ",
          dtype());
  return static_cast<char*>(impl_->storage->data()) +
         impl_->offset * size_of(type);
}

double Tensor::scalar() const {
  require(numel() == 1, "item: expected one element, got shape ", shape());
  if (!device().is_cpu()) {
    const NoGrad no_grad;
    return to({}).scalar();
  }
  switch (dtype()) {
    case DType::float32:
      return *data<float>();
    case DType::float64:
      return *data<double>();
    case DType::int64:
      return static_cast<double>(*data<std::int64_t>());
  }
  return 0;
}

std::vector<double> Tensor::to_doubles() const {
  require(!shapes_only(), "tensor: it has a shape only");
  const NoGrad no_grad;
  const Tensor values = contiguous(cast(to({}), DType::float64));
  const double* begin = values.data<double>();
  return std::vector<double>(begin, begin + values.numel());
}

Tensor alias(const Tensor& tensor, const Shape& shape, const Shape& strides,
             std::int64_t offset) {
  return Tensor(tensor.impl()->storage, offset, shape, strides, tensor.dtype());
}

// Who asks for it is about to read it, which may copy a selection.
Tensor contiguous(const Tensor& tensor) {
  if (!tensor.is_contiguous()) return clone(tensor);
  if (shapes_only()) tensor.impl()->storage->data();
  return tensor;
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
  if (!tensor.defined()) return out << "tensor(undefined)";
  out << "tensor" << tensor.shape() << " " << tensor.dtype();
  if (tensor.numel() > 64) return out;
  out << " [";
  const char* separator = "";
  for (const double value : tensor.to_vector()) {
    out << std::exchange(separator, ", ") << value;
  }
  return out << "]";
}

}  // namespace sigtape
