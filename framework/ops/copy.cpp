// Copies, conversions and the changes in place of Tensor.
#include "sigtape/framework/compute.h"
#include "sigtape/framework/cuda/runtime.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/copy_kernels.h"
#include "sigtape/framework/ops/reading.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

// out = a, converted and broadcast.
void assign(Tensor& out, const Tensor& a) {
  const auto walk = read_strided<2>(out.shape(), {&out, &a});
  compute_any(out, [&]<class To>(auto device, To) {
    compute_any(a, [&]<class From>(auto, From) {
      convert(device, walk, out.mutable_data<To>(), a.data<From>());
    });
  });
}

// Changes in place are not recorded, so none may hide inside a graph.
void require_changeable(const char* op, const Tensor& tensor) {
  require(!tensor.requires_grad() || !grad_enabled(), op,
          ": this tensor takes part in a recorded graph; change it in place "
          "under NoGrad only");
}

}  // namespace

Tensor clone(const Tensor& a) {
  Tensor out = empty_like(a);
  assign(out, a);
  return record("clone", out, {a}, {}, [](Backward& b) { b.add(0, b.grad()); });
}

Tensor cast(const Tensor& a, DType dtype) {
  if (a.dtype() == dtype) return a;
  Tensor out = empty(a.shape(), {dtype, a.device()});
  assign(out, a);
  if (!is_floating(dtype) || !is_floating(a.dtype())) return out;
  return record("cast", out, {a}, {}, [from = a.dtype()](Backward& b) {
    b.add(0, cast(b.grad(), from));
  });
}

Tensor Tensor::to(Device device) const {
  if (device == this->device()) return *this;
  Tensor out = empty(shape(), {dtype(), device});
  {
    const NoGrad no_grad;
    const Tensor from = contiguous(*this);
    compute_any(from, [&]<class T>(auto, T) {
      cuda::copy(out.mutable_data<T>(), device, from.data<T>(), from.device(),
                 numel() * size_of(dtype()));
    });
  }
  return record("to", out, {*this}, {}, [from = this->device()](Backward& b) {
    b.add(0, b.grad().to(from));
  });
}

Tensor& Tensor::fill_(double value) {
  require_changeable("fill_", *this);
  const auto walk = read_strided<1>(shape(), {this});
  compute_any(*this, [&]<class T>(auto device, T) {
    fill(device, walk, mutable_data<T>(), static_cast<T>(value));
  });
  return *this;
}

Tensor& Tensor::copy_(const Tensor& source) {
  require_changeable("copy_", *this);
  require(broadcast_shapes("copy_", shape(), source.shape()) == shape(),
          "copy_: expected shape ", shape(), ", got ", source.shape());
  const NoGrad no_grad;
  assign(*this, source.to(device()));
  return *this;
}

Tensor& Tensor::add_(const Tensor& other, double scale) {
  require_changeable("add_", *this);
  require_same_type("add_", *this, other);
  require(shape() == other.shape(), "add_: expected shape ", shape(), ", got ",
          other.shape());
  const auto walk = read_strided<2>(shape(), {this, &other});
  compute_floating("add_", *this, [&]<class T>(auto device, T) {
    accumulate(device, walk, mutable_data<T>(), other.data<T>(), T{1},
               static_cast<T>(scale));
  });
  return *this;
}

Tensor& Tensor::mul_(double factor) {
  require_changeable("mul_", *this);
  const auto walk = read_strided<2>(shape(), {this, this});
  compute_floating("mul_", *this, [&]<class T>(auto device, T) {
    accumulate(device, walk, mutable_data<T>(), data<T>(),
               static_cast<T>(factor), T{0});
  });
  return *this;
}

}  // namespace sigtape
