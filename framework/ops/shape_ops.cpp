#include <algorithm>
#include <optional>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

// `shape` with its -1 replaced by what `a` has left for it.
Shape inferred(const Tensor& a, Shape shape) {
  int unknown = -1;
  std::int64_t known = 1;
  for (int d = 0; d < shape.rank(); ++d) {
    if (shape[d] >= 0) {
      known *= shape[d];
      continue;
    }
    require(shape[d] == -1 && unknown < 0, "reshape: from ", a.shape(), " to ",
            shape, ": at most one size may be -1, no other negative");
    unknown = d;
  }
  if (unknown >= 0) {
    require(known > 0 && a.numel() % known == 0, "reshape: cannot infer -1 in ",
            shape, " for ", a.shape());
    shape[unknown] = a.numel() / known;
  }
  require(shape.numel() == a.numel(), "reshape: ", a.shape(), " has ",
          a.numel(), " elements, ", shape, " has ", shape.numel());
  return shape;
}

// Strides with which a's elements are seen as `shape`, of as many elements;
// none if a copy is needed. Axes of `a` that lie without gaps in each other
// form a chunk, and the sizes of `shape` must divide chunk by chunk.
std::optional<Shape> view_strides(const Tensor& a, const Shape& shape) {
  if (a.numel() == 0) return shape.contiguous_strides();
  Shape strides = Shape::filled(shape.rank(), 1);
  int to = shape.rank() - 1;
  std::int64_t chunk = 1, stride = 1;
  for (int d = a.rank() - 1; d >= 0; --d) {
    if (a.shape()[d] == 1) continue;
    if (chunk == 1) stride = a.strides()[d];
    chunk *= a.shape()[d];
    int outer = d - 1;
    while (outer >= 0 && a.shape()[outer] == 1) --outer;
    if (outer >= 0 && a.strides()[outer] == a.strides()[d] * a.shape()[d]) {
      continue;
    }
    std::int64_t seen = 1;
    for (; to >= 0 && (seen < chunk || shape[to] == 1); --to) {
      strides[to] = stride * seen;
      seen *= shape[to];
    }
    if (seen != chunk) return std::nullopt;
    chunk = 1;
  }
  return strides;
}

}  // namespace

Tensor reshape(const Tensor& a, const Shape& to) {
  const Shape shape = inferred(a, to);
  if (shape == a.shape()) return a;
  const auto view = [&] {
    if (const auto strides = view_strides(a, shape)) {
      return alias(a, shape, *strides, a.impl()->offset);
    }
    const NoGrad no_grad;
    return alias(clone(a), shape, shape.contiguous_strides(), 0);
  };
  return record("reshape", view(), {a}, {}, [from = a.shape()](Backward& b) {
    b.add(0, reshape(b.grad(), from));
  });
}

Tensor transpose(const Tensor& a, int dim0, int dim1) {
  const int i = normalise_dim("transpose", dim0, a.shape());
  const int j = normalise_dim("transpose", dim1, a.shape());
  Shape shape = a.shape(), strides = a.strides();
  std::swap(shape[i], shape[j]);
  std::swap(strides[i], strides[j]);
  return record("transpose", alias(a, shape, strides, a.impl()->offset), {a},
                {},
                [i, j](Backward& b) { b.add(0, transpose(b.grad(), i, j)); });
}

Tensor permute(const Tensor& a, const Shape& order) {
  Shape shape = a.shape(), strides = a.strides();
  Shape inverse = Shape::filled(a.rank(), -1);
  require(order.rank() == a.rank(), "permute: ", order, " is not an order of ",
          "the axes of ", a.shape());
  for (int i = 0; i < a.rank(); ++i) {
    const std::int64_t d = order[i] < 0 ? order[i] + a.rank() : order[i];
    require(d >= 0 && d < a.rank() && inverse[d] < 0, "permute: ", order,
            " is not an order of the axes of ", a.shape());
    inverse[d] = i;
    shape[i] = a.shape()[d];
    strides[i] = a.strides()[d];
  }
  return record(
      "permute", alias(a, shape, strides, a.impl()->offset), {a}, {},
      [inverse](Backward& b) { b.add(0, permute(b.grad(), inverse)); });
}

Tensor expand(const Tensor& a, const Shape& shape) {
  if (shape == a.shape()) return a;
  const int added = shape.rank() - a.rank();
  require(added >= 0, "expand: ", a.shape(), " does not broadcast to ", shape);
  Shape strides = Shape::filled(shape.rank(), 0);
  for (int d = 0; d < a.rank(); ++d) {
    const std::int64_t from = a.shape()[d], to = shape[d + added];
    require(from == to || (from == 1 && to >= 0), "expand: ", a.shape(),
            " does not broadcast to ", shape);
    if (from == to) strides[d + added] = a.strides()[d];
  }
  shape.numel();  // throws for negative sizes
  return record(
      "expand", alias(a, shape, strides, a.impl()->offset), {a}, {},
      [from = a.shape()](Backward& b) { b.add(0, sum_to(b.grad(), from)); });
}

}  // namespace sigtape
