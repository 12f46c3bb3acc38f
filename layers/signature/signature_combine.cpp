#include "sigtape/layers/signature/signature_combine.h"

#include "sigtape/framework/compute.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/signature_combine_kernels.h"

namespace sigtape {

namespace {

// One of the signatures to combine against the size and the first of them.
void check_element(const char* op, const Tensor& signature, std::size_t index,
                   const Tensor& first, std::int64_t channels,
                   std::int64_t depth, bool scalar_term) {
  require(signature.defined(), op, ": expected signature ", index,
          " to be (batch, S), got no tensor");
  const Shape& shape = signature.shape();
  require(shape.rank() == 2, op, ": expected signature ", index,
          " to be (batch, S), got ", shape);
  const std::int64_t columns = signature_channels(channels, depth, scalar_term);
  require(shape[1] == columns, op, ": expected signature ", index, " to be (",
          shape[0], ", ", columns, ") for ", channels, " channels, depth ",
          depth, scalar_term ? " and a scalar term" : "", ", got ", shape);
  require(shape[0] == first.size(0), op, ": expected signature ", index,
          " of the first one's batch size ", first.size(0), ", got ", shape);
  require(shape[0] > 0, op, ": expected a batch of at least 1, got ", shape);
  require_same_type(op, first, signature);
}

// The product is linear in each factor, so its two gradients are products of
// the same kind, with other levels 0: the rules of the three call each other,
// and any derivative of any order exists.
enum class Side { left, right };

Tensor product(const Tensor& left, const Tensor& right,
               const ProductShape& shape);

// The gradient of <g, a (x) b> with respect to the factor on `side`, of which
// only level 0 is needed; `other` is the other one.
Tensor product_gradient(Side side, const Tensor& factor,
                        const Tensor& cotangent, const ProductShape& shape) {
  const Tensor other = contiguous(factor), g = contiguous(cotangent);
  const bool left = side == Side::left;
  Tensor out = empty_like(g);
  compute_floating("signature_combine", out, [&]<class T>(auto device, T) {
    const T* known = other.data<T>();
    T* result = out.mutable_data<T>();
    signature_product_adjoint(device, shape, left ? nullptr : known,
                              left ? known : nullptr, g.data<T>(),
                              left ? result : nullptr, left ? nullptr : result);
  });
  return record("signature_combine_backward", out, {other, g}, {other, g},
                [side, shape](Backward& back) {
                  // The direction v of the derivative takes the place of the
                  // factor.
                  const Tensor& v = back.grad();
                  const Tensor other = back.saved(0), g = back.saved(1);
                  const bool left = side == Side::left;
                  ProductShape s = shape;
                  (left ? s.left_one : s.right_one) = false;
                  if (back.needs(0)) {
                    const Side to = left ? Side::right : Side::left;
                    back.add(0, product_gradient(to, v, g, s));
                  }
                  if (back.needs(1)) {
                    back.add(
                        1, left ? product(v, other, s) : product(other, v, s));
                  }
                });
}

// left (x) right, of checked shapes.
Tensor product(const Tensor& left, const Tensor& right,
               const ProductShape& shape) {
  const Tensor a = contiguous(left), b = contiguous(right), none;
  Tensor out = empty_like(a);
  compute_floating("signature_combine", a, [&]<class T>(auto device, T) {
    signature_product(device, shape, a.data<T>(), b.data<T>(),
                      out.mutable_data<T>());
  });
  return record(
      "signature_combine", out, {a, b},
      {b.requires_grad() ? a : none, a.requires_grad() ? b : none},
      [shape](Backward& back) {
        const Tensor& g = back.grad();
        if (back.needs(0)) {
          back.add(0, product_gradient(Side::left, back.saved(1), g, shape));
        }
        if (back.needs(1)) {
          back.add(1, product_gradient(Side::right, back.saved(0), g, shape));
        }
      });
}

Tensor combine(const char* op, TensorList signatures, std::int64_t channels,
               std::int64_t depth, bool inverse, bool scalar_term) {
  const std::size_t count = signatures.size();
  require(count > 0, op, ": expected at least one signature, got none");
  for (std::size_t i = 0; i < count; ++i)
    check_element(op, signatures[i], i, signatures[0], channels, depth,
                  scalar_term);
  require(is_floating(signatures[0].dtype()), op,
          ": expected float32 or float64, got int64 ", signatures[0].shape());
  const ProductShape shape{signatures[0].size(0), channels,
                           static_cast<int>(depth), scalar_term};
  Tensor result = signatures[0];
  for (std::size_t i = 1; i < count; ++i) {
    const Tensor& next = signatures[i];
    result =
        inverse ? product(next, result, shape) : product(result, next, shape);
  }
  return result;
}

}  // namespace

Tensor signature_combine(const Tensor& first, const Tensor& second,
                         std::int64_t channels, std::int64_t depth,
                         bool inverse, bool scalar_term) {
  return combine("signature_combine", {first, second}, channels, depth, inverse,
                 scalar_term);
}

Tensor multi_signature_combine(TensorList signatures, std::int64_t channels,
                               std::int64_t depth, bool inverse,
                               bool scalar_term) {
  return combine("multi_signature_combine", signatures, channels, depth,
                 inverse, scalar_term);
}

}  // namespace sigtape
