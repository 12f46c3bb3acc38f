#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/gather_kernels.h"
#include "sigtape/framework/ops/reading.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

// `dim` of `shape` as an axis, after the checks of `index`.
int checked_axis(const char* op, const Shape& shape, int dim,
                 const Tensor& index) {
  require(index.dtype() == DType::int64, op, ": expected int64 indices, got ",
          index.shape(), " ", index.dtype());
  const int axis = normalise_dim(op, dim, shape);
  bool fits = index.rank() == shape.rank();
  for (int d = 0; fits && d < shape.rank(); ++d) {
    fits = d == axis || index.shape()[d] <= shape[d];
  }
  require(fits, op, ": indices of ", index.shape(), " do not fit ", shape,
          " along axis ", axis);
  return axis;
}

// `tensor` in the shape of `index`, at index 0 of `axis` everywhere.
Tensor at_zero(const Tensor& tensor, int axis, const Tensor& index) {
  Shape strides = tensor.strides();
  strides[axis] = 0;
  return alias(tensor, index.shape(), strides, tensor.impl()->offset);
}

Tensor compute_gather(const Tensor& a, int axis, const Tensor& index) {
  Tensor out = empty(index.shape(), {a.dtype(), a.device()});
  const Tensor from = at_zero(a, axis, index);
  const auto walk = read_strided<3>(out.shape(), {&out, &index, &from});
  compute_any(a, [&]<class T>(auto device, T) {
    gather(device, {"gather", a.shape(), axis, a.strides()[axis]}, walk,
           out.mutable_data<T>(), index.data<std::int64_t>(), a.data<T>());
  });
  return out;
}

Tensor compute_scatter(const Shape& shape, int axis, const Tensor& index,
                       const Tensor& a) {
  Tensor out = zeros(shape, {a.dtype(), a.device()});
  const Tensor to = at_zero(out, axis, index);
  const auto walk = read_strided<3>(index.shape(), {&to, &index, &a});
  compute_any(a, [&]<class T>(auto device, T) {
    scatter_add(device, {"scatter_add", shape, axis, out.strides()[axis]}, walk,
                out.mutable_data<T>(), index.data<std::int64_t>(), a.data<T>());
  });
  return out;
}

}  // namespace

Tensor gather(const Tensor& a, int dim, const Tensor& index) {
  require_same_device("gather", a, index);
  const int axis = checked_axis("gather", a.shape(), dim, index);
  return record("gather", compute_gather(a, axis, index), {a}, {index},
                [axis, shape = a.shape()](Backward& b) {
                  b.add(0, scatter_add(shape, axis, b.saved(0), b.grad()));
                });
}

Tensor scatter_add(const Shape& shape, int dim, const Tensor& index,
                   const Tensor& a) {
  require_same_device("scatter_add", a, index);
  const int axis = checked_axis("scatter_add", shape, dim, index);
  require(a.shape() == index.shape(), "scatter_add: expected values of ",
          index.shape(), ", as the indices, got ", a.shape());
  return record(
      "scatter_add", compute_scatter(shape, axis, index, a), {a}, {index},
      [axis](Backward& b) { b.add(0, gather(b.grad(), axis, b.saved(0))); });
}

}  // namespace sigtape
