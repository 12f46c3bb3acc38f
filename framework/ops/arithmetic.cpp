#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/arithmetic_kernels.h"
#include "sigtape/framework/ops/reading.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

Tensor compute(const char* name, Arithmetic op, const Tensor& a,
               const Tensor& b) {
  require_same_type(name, a, b);
  Tensor out = empty(broadcast_shapes(name, a.shape(), b.shape()),
                     {a.dtype(), a.device()});
  const auto walk = read_strided<3>(out.shape(), {&out, &a, &b});
  compute_floating(name, out, [&]<class T>(auto device, T) {
    arithmetic(device, op, walk, out.mutable_data<T>(), a.data<T>(),
               b.data<T>());
  });
  return out;
}

// scale * a + shift.
Tensor affine(const char* name, const Tensor& a, double scale, double shift) {
  Tensor out = empty_like(a);
  const auto walk = read_strided<2>(out.shape(), {&out, &a});
  compute_floating(name, a, [&]<class T>(auto device, T) {
    scale_shift(device, walk, out.mutable_data<T>(), a.data<T>(),
                static_cast<T>(scale), static_cast<T>(shift));
  });
  return record(name, out, {a}, {}, [scale](Backward& b) {
    b.add(0, scale == 1 ? b.grad() : mul(b.grad(), scale));
  });
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  return record("add", compute("add", Arithmetic::add, a, b), {a, b}, {},
                [sa = a.shape(), sb = b.shape()](Backward& back) {
                  if (back.needs(0)) back.add(0, sum_to(back.grad(), sa));
                  if (back.needs(1)) back.add(1, sum_to(back.grad(), sb));
                });
}

Tensor sub(const Tensor& a, const Tensor& b) {
  return record("sub", compute("sub", Arithmetic::sub, a, b), {a, b}, {},
                [sa = a.shape(), sb = b.shape()](Backward& back) {
                  if (back.needs(0)) back.add(0, sum_to(back.grad(), sa));
                  if (back.needs(1)) back.add(1, neg(sum_to(back.grad(), sb)));
                });
}

Tensor mul(const Tensor& a, const Tensor& b) {
  const Tensor out = compute("mul", Arithmetic::mul, a, b), none;
  return record("mul", out, {a, b},
                {b.requires_grad() ? a : none, a.requires_grad() ? b : none},
                [sa = a.shape(), sb = b.shape()](Backward& back) {
                  const Tensor& g = back.grad();
                  if (back.needs(0))
                    back.add(0, sum_to(mul(g, back.saved(1)), sa));
                  if (back.needs(1))
                    back.add(1, sum_to(mul(g, back.saved(0)), sb));
                });
}

Tensor div(const Tensor& a, const Tensor& b) {
  const Tensor out = compute("div", Arithmetic::div, a, b), none;
  return record("div", out, {a, b}, {b, b.requires_grad() ? out : none},
                [sa = a.shape(), sb = b.shape()](Backward& back) {
                  const Tensor g = div(back.grad(), back.saved(0));
                  if (back.needs(0)) back.add(0, sum_to(g, sa));
                  if (back.needs(1)) {
                    back.add(1, neg(sum_to(mul(g, back.saved(1)), sb)));
                  }
                });
}

Tensor add(const Tensor& a, double s) { return affine("add", a, 1, s); }
Tensor mul(const Tensor& a, double s) { return affine("mul", a, s, 0); }
Tensor neg(const Tensor& a) { return affine("neg", a, -1, 0); }
Tensor sub(const Tensor& a, double s) { return affine("sub", a, 1, -s); }
Tensor div(const Tensor& a, double s) { return affine("div", a, 1 / s, 0); }
Tensor sub(double s, const Tensor& a) { return affine("sub", a, -1, s); }

Tensor div(double s, const Tensor& a) {
  return div(full(Shape::filled(a.rank(), 1), s, {a.dtype(), a.device()}), a);
}

}  // namespace sigtape
