#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops/strided.h"

namespace sigtape {

/// leaky is x for x > 0 and parameter * x elsewhere; pow is x^parameter.
enum class Unary {
  exp,
  log,
  sqrt,
  abs,
  pow,
  relu,
  leaky,
  tanh,
  sigmoid,
  gelu,
  softplus
};

/// out = op(a), elementwise over the walk (out, a).
template <class T>
void unary(Cpu, Unary op, double parameter, const Strided<2>& walk, T* out,
           const T* a);

/// pow is a^b; the others are a times the derivative of an activation: of
/// leaky and gelu where their argument is b, of tanh and sigmoid where their
/// value is b. relu is leaky with slope 0, for any b of the argument's sign.
enum class Binary {
  pow,
  relu_gradient,
  leaky_gradient,
  tanh_gradient,
  sigmoid_gradient,
  gelu_gradient
};

/// out = op(a, b), elementwise over the walk (out, a, b).
template <class T>
void binary(Cpu, Binary op, double parameter, const Strided<3>& walk, T* out,
            const T* a, const T* b);

/// The same on a GPU.
template <class T>
void unary(Cuda, Unary op, double parameter, const Strided<2>& walk, T* out,
           const T* a);
template <class T>
void binary(Cuda, Binary op, double parameter, const Strided<3>& walk, T* out,
            const T* a, const T* b);

}  // namespace sigtape
