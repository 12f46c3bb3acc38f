// The gradients of activations are operations themselves, so that they run in
// one pass and can be differentiated again.
#include <cmath>
#include <numbers>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/elementwise_kernels.h"
#include "sigtape/framework/ops/masks.h"
#include "sigtape/framework/ops/reading.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

Tensor compute(const char* name, Unary op, const Tensor& a,
               double parameter = 0) {
  Tensor out = empty_like(a);
  const auto walk = read_strided<2>(out.shape(), {&out, &a});
  compute_floating(name, a, [&]<class T>(auto device, T) {
    unary(device, op, parameter, walk, out.mutable_data<T>(), a.data<T>());
  });
  return out;
}

Tensor compute(const char* name, Binary op, const Tensor& a, const Tensor& b,
               double parameter = 0) {
  require_same_type(name, a, b);
  Tensor out = empty(broadcast_shapes(name, a.shape(), b.shape()),
                     {a.dtype(), a.device()});
  const auto walk = read_strided<3>(out.shape(), {&out, &a, &b});
  compute_floating(name, a, [&]<class T>(auto device, T) {
    binary(device, op, parameter, walk, out.mutable_data<T>(), a.data<T>(),
           b.data<T>());
  });
  return out;
}

// g where x > 0, 0 elsewhere.
Tensor relu_gradient(const Tensor& g, const Tensor& x) {
  return record(
      "relu_gradient", compute("relu_gradient", Binary::relu_gradient, g, x),
      {g}, {x.detach()},
      [](Backward& b) { b.add(0, relu_gradient(b.grad(), b.saved(0))); });
}

// g where x > 0, slope * g elsewhere.
Tensor leaky_gradient(const Tensor& g, const Tensor& x, double slope) {
  return record(
      "leaky_relu_gradient",
      compute("leaky_relu_gradient", Binary::leaky_gradient, g, x, slope), {g},
      {x.detach()}, [slope](Backward& b) {
        b.add(0, leaky_gradient(b.grad(), b.saved(0), slope));
      });
}

// g (1 - y^2).
Tensor tanh_gradient(const Tensor& g, const Tensor& y) {
  return record("tanh_gradient",
                compute("tanh_gradient", Binary::tanh_gradient, g, y), {g, y},
                {g, y}, [](Backward& b) {
                  const Tensor g = b.saved(0), y = b.saved(1);
                  if (b.needs(0)) b.add(0, tanh_gradient(b.grad(), y));
                  if (b.needs(1)) b.add(1, -2 * (b.grad() * g * y));
                });
}

// g y (1 - y).
Tensor sigmoid_gradient(const Tensor& g, const Tensor& y) {
  return record("sigmoid_gradient",
                compute("sigmoid_gradient", Binary::sigmoid_gradient, g, y),
                {g, y}, {g, y}, [](Backward& b) {
                  const Tensor g = b.saved(0), y = b.saved(1);
                  if (b.needs(0)) b.add(0, sigmoid_gradient(b.grad(), y));
                  if (b.needs(1)) b.add(1, b.grad() * g * (1 - 2 * y));
                });
}

// g (Phi(x) + x phi(x)); the second derivative is phi(x) (2 - x^2).
Tensor gelu_gradient(const Tensor& g, const Tensor& x) {
  constexpr double density = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  return record("gelu_gradient",
                compute("gelu_gradient", Binary::gelu_gradient, g, x), {g, x},
                {g, x}, [](Backward& b) {
                  const Tensor g = b.saved(0), x = b.saved(1);
                  if (b.needs(0)) b.add(0, gelu_gradient(b.grad(), x));
                  if (!b.needs(1)) return;
                  const Tensor square = x * x;
                  const Tensor phi = density * exp(-0.5 * square);
                  b.add(1, b.grad() * g * (phi * (2 - square)));
                });
}

}  // namespace

Tensor exp(const Tensor& a) {
  const Tensor out = compute("exp", Unary::exp, a);
  return record("exp", out, {a}, {out},
                [](Backward& b) { b.add(0, mul(b.grad(), b.saved(0))); });
}

Tensor log(const Tensor& a) {
  return record("log", compute("log", Unary::log, a), {a}, {a},
                [](Backward& b) { b.add(0, div(b.grad(), b.saved(0))); });
}

Tensor sqrt(const Tensor& a) {
  const Tensor out = compute("sqrt", Unary::sqrt, a);
  return record("sqrt", out, {a}, {out}, [](Backward& b) {
    b.add(0, mul(div(b.grad(), b.saved(0)), 0.5));
  });
}

Tensor abs(const Tensor& a) {
  return record(
      "abs", compute("abs", Unary::abs, a), {a}, {a},
      [](Backward& b) { b.add(0, mul(b.grad(), sign_of(b.saved(0)))); });
}

Tensor pow(const Tensor& a, double exponent) {
  return record("pow", compute("pow", Unary::pow, a, exponent), {a}, {a},
                [exponent](Backward& b) {
                  // 0 * a^-1 is 0 for a = 0 too.
                  const double left = exponent == 0 ? 0 : exponent - 1;
                  const Tensor slope = mul(pow(b.saved(0), left), exponent);
                  b.add(0, mul(b.grad(), slope));
                });
}

Tensor pow(const Tensor& a, const Tensor& b) {
  const Tensor out = compute("pow", Binary::pow, a, b);
  return record(
      "pow", out, {a, b}, {a, b, b.requires_grad() ? out : Tensor()},
      [](Backward& back) {
        const Tensor a = back.saved(0), b = back.saved(1), &g = back.grad();
        const Tensor one = full({}, 1, {a.dtype(), a.device()});
        // b a^(b - 1) is 0 for b = 0 and a^b log a is 0 for a = 0.
        if (back.needs(0)) {
          const Tensor left = where(not_zero(b), b - 1, one);
          back.add(0, sum_to(g * b * pow(a, left), a.shape()));
        }
        if (back.needs(1)) {
          const Tensor base = where(not_zero(a), a, one);
          back.add(1, sum_to(g * back.saved(2) * log(base), b.shape()));
        }
      });
}

Tensor relu(const Tensor& a) {
  const Tensor out = compute("relu", Unary::relu, a);
  return record("relu", out, {a}, {out}, [](Backward& b) {
    b.add(0, relu_gradient(b.grad(), b.saved(0)));
  });
}

Tensor leaky_relu(const Tensor& a, double slope) {
  return record("leaky_relu", compute("leaky_relu", Unary::leaky, a, slope),
                {a}, {a}, [slope](Backward& b) {
                  b.add(0, leaky_gradient(b.grad(), b.saved(0), slope));
                });
}

Tensor tanh(const Tensor& a) {
  const Tensor out = compute("tanh", Unary::tanh, a);
  return record("tanh", out, {a}, {out}, [](Backward& b) {
    b.add(0, tanh_gradient(b.grad(), b.saved(0)));
  });
}

Tensor sigmoid(const Tensor& a) {
  const Tensor out = compute("sigmoid", Unary::sigmoid, a);
  return record("sigmoid", out, {a}, {out}, [](Backward& b) {
    b.add(0, sigmoid_gradient(b.grad(), b.saved(0)));
  });
}

Tensor gelu(const Tensor& a) {
  return record(
      "gelu", compute("gelu", Unary::gelu, a), {a}, {a},
      [](Backward& b) { b.add(0, gelu_gradient(b.grad(), b.saved(0))); });
}

Tensor softplus(const Tensor& a) {
  return record(
      "softplus", compute("softplus", Unary::softplus, a), {a}, {a},
      [](Backward& b) { b.add(0, mul(b.grad(), sigmoid(b.saved(0)))); });
}

}  // namespace sigtape
