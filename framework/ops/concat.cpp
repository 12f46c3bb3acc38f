// Slices and their adjoints: a tensor put into a larger one.
#include <algorithm>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

// The part of `a` that slice() describes; start and step are in range.
Tensor part(const Tensor& a, int dim, std::int64_t start, std::int64_t size,
            std::int64_t step) {
  Shape shape = a.shape(), strides = a.strides();
  shape[dim] = size;
  strides[dim] *= step;
  const std::int64_t first = size > 0 ? start * a.strides()[dim] : 0;
  return alias(a, shape, strides, a.impl()->offset + first);
}

// A tensor of `shape` with `value` everywhere but at positions start, start +
// step, ... of axis `dim`, which hold a: the adjoint of slice.
Tensor embed(const char* op, const Tensor& a, const Shape& shape, int dim,
             std::int64_t start, std::int64_t step, double value) {
  Tensor out = full(shape, value, {a.dtype(), a.device()});
  const std::int64_t size = a.shape()[dim];
  part(out, dim, start, size, step).copy_(a);
  return record(op, out, {a}, {}, [=](Backward& b) {
    b.add(0, slice(b.grad(), dim, start, start + size * step, step));
  });
}

}  // namespace

Tensor slice(const Tensor& a, int dim, std::int64_t start, std::int64_t stop,
             std::int64_t step) {
  require(step >= 1, "slice: expected step >= 1, got ", step, " for ",
          a.shape());
  const int axis = normalise_dim("slice", dim, a.shape());
  const std::int64_t length = a.shape()[axis];
  const auto clamped = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + length : at, 0, length);
  };
  const std::int64_t first = clamped(start), last = clamped(stop);
  const std::int64_t size = last > first ? (last - first - 1) / step + 1 : 0;
  return record("slice", part(a, axis, first, size, step), {a}, {},
                [=, shape = a.shape()](Backward& b) {
                  b.add(0, embed("slice_gradient", b.grad(), shape, axis, first,
                                 step, 0));
                });
}

Tensor pad(const Tensor& a, int dim, std::int64_t before, std::int64_t after,
           double value) {
  require(before >= 0 && after >= 0, "pad: expected widths >= 0 for ",
          a.shape(), ", got ", before, " and ", after);
  const int axis = normalise_dim("pad", dim, a.shape());
  Shape shape = a.shape();
  shape[axis] += before + after;
  return embed("pad", a, shape, axis, before, 1, value);
}

namespace {

// Where each tensor begins along the axis, and the end.
Tensor positions(TensorList tensors, int axis) {
  const auto count = static_cast<std::int64_t>(tensors.size());
  Tensor result = empty({count + 1}, {DType::int64, {}});
  std::int64_t* at = result.mutable_data<std::int64_t>();
  *at = 0;
  for (const Tensor& t : tensors) {
    at[1] = at[0] + t.shape()[axis];
    ++at;
  }
  return result;
}

// The shape of the whole but for the size along `axis`.
Shape checked_shape(TensorList tensors, int axis) {
  Shape shape = tensors[0].shape();
  for (const Tensor& t : tensors) {
    require_same_type("concat", tensors[0], t);
    require(t.rank() == shape.rank(), "concat: ranks of ", shape, " and ",
            t.shape(), " differ");
    shape[axis] = t.shape()[axis];
    require(t.shape() == shape, "concat: ", tensors[0].shape(), " and ",
            t.shape(), " differ off axis ", axis);
  }
  return shape;
}

}  // namespace

Tensor concat(TensorList tensors, int dim) {
  require(tensors.size() > 0, "concat: expected at least one tensor");
  const Tensor& head = tensors[0];
  const int axis = normalise_dim("concat", dim, head.shape());
  Shape shape = checked_shape(tensors, axis);
  const Tensor starts = positions(tensors, axis);
  const std::int64_t* at = starts.data<std::int64_t>();
  shape[axis] = at[tensors.size()];
  const Tensor out = empty(shape, {head.dtype(), head.device()});
  for (const Tensor& t : tensors) {
    const NoGrad no_grad;
    part(out, axis, *at++, t.shape()[axis], 1).copy_(t);
  }
  return record("concat", out, tensors, {starts}, [axis](Backward& b) {
    const Tensor starts = b.saved(0);
    const std::int64_t* at = starts.data<std::int64_t>();
    for (std::int64_t i = 0; i + 1 < starts.numel(); ++i) {
      if (b.needs(i)) b.add(i, slice(b.grad(), axis, at[i], at[i + 1]));
    }
  });
}

}  // namespace sigtape
