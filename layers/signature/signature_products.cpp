#include "sigtape/layers/signature/signature_products.h"

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops/optional.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/raw_memory.h"
#include "sigtape/layers/signature/window_plan.h"

namespace sigtape {

namespace {

// Whether the results are the products, in their order.
bool results_are_products(const ProductsShape& shape, const Tensor& arrays) {
  if (shape.results != shape.products) return false;
  const ProductsPlan plan = products_plan(shape, arrays);
  for (std::int64_t w = 0; w < shape.results; ++w)
    if (plan.result[w] != shape.leaves + w) return false;
  return true;
}

// The plan as the kernels of the leaves' device read it.
ProductsPlan placed_plan(const ProductsShape& shape, const Tensor& arrays,
                         const Tensor& placed) {
  ProductsPlan plan = products_plan(shape, placed);
  plan.round_begin = products_plan(shape, arrays).round_begin;
  return plan;
}

// The rule of signature_products_backward: its derivatives along the cotangent
// v of the gradient.
void go_back_twice(const ProductsShape& shape, Backward& back) {
  const Tensor leaves = back.saved(0), arrays = back.saved(1);
  const Tensor placed = back.saved(2), g = back.saved(3);
  const Tensor v = contiguous(back.grad());
  Tensor dleaves = back.needs(0) ? empty_like(leaves) : Tensor();
  Tensor dout = back.needs(1) ? empty_like(g) : Tensor();
  dispatch_floating("signature_products", leaves, [&]<class T>(auto device, T) {
    Tensor workspace =
        raw_memory(signature_products_second_bytes<T>(device, shape));
    if (shapes_only()) return;
    signature_products_second(
        device, shape, placed_plan(shape, arrays, placed), leaves.data<T>(),
        v.data<T>(), g.data<T>(), mutable_pointer<T>(dout),
        mutable_pointer<T>(dleaves), workspace.mutable_data<double>());
  });
  const auto add = [&](std::size_t i, const Tensor& result) {
    if (!result.defined()) return;
    back.add(i, record_without_derivative("signature_products_second", result,
                                          {leaves, g, v}));
  };
  add(0, dleaves);
  add(1, dout);
}

Tensor adjoint(const ProductsShape& shape, Backward& back) {
  const Tensor leaves = back.saved(0), products = back.saved(1);
  const Tensor arrays = back.saved(2), placed = back.saved(3);
  const Tensor dout = contiguous(back.grad());
  Tensor gradient = empty_like(leaves);
  dispatch_floating("signature_products", leaves, [&]<class T>(auto device, T) {
    Tensor workspace =
        raw_memory(signature_products_workspace<T>(device, shape, true));
    if (shapes_only()) return;
    signature_products_adjoint(
        device, shape, placed_plan(shape, arrays, placed), leaves.data<T>(),
        products.data<T>(), dout.data<T>(), gradient.mutable_data<T>(),
        workspace.mutable_data<double>());
  });
  return record("signature_products_backward", gradient, {leaves, dout},
                {leaves, arrays, placed, dout},
                [shape](Backward& second) { go_back_twice(shape, second); });
}

}  // namespace

Tensor signature_products(const Tensor& leaves, const Tensor& arrays,
                          const Tensor& placed, ProductsShape shape) {
  const Tensor a = contiguous(leaves);
  shape.groups = a.size(0);
  const TensorOptions like{a.dtype(), a.device()};
  Tensor products = empty({shape.groups, shape.products, a.size(2)}, like);
  const bool same = results_are_products(shape, arrays);
  Tensor out = same ? alias(products, products.shape(), products.strides(), 0)
                    : empty({shape.groups, shape.results, a.size(2)}, like);
  dispatch_floating("signature_products", a, [&]<class T>(auto device, T) {
    Tensor workspace =
        raw_memory(signature_products_workspace<T>(device, shape, false));
    if (shapes_only()) return;
    signature_products(device, shape, placed_plan(shape, arrays, placed),
                       a.data<T>(), products.mutable_data<T>(),
                       out.mutable_data<T>(), workspace.mutable_data<double>());
  });
  return record("signature_products", out, {a}, {a, products, arrays, placed},
                [shape](Backward& back) { back.add(0, adjoint(shape, back)); });
}

}  // namespace sigtape
