#pragma once

#include "sigtape/layers/module.h"

namespace sigtape {

/// Elementwise functions, defined in framework/ops.h; `none` is the identity.
enum class Activation { relu, leaky_relu, tanh, sigmoid, gelu, softplus, none };

/// "relu", "leaky_relu", ...
const char* name_of(Activation activation);

/// The function applied to every element. `slope` is leaky_relu's.
Tensor activate(Activation activation, const Tensor& x, double slope = 0.01);

/// An activation as a layer: streams and features, shape unchanged.
class ActivationLayer : public Module {
 public:
  explicit ActivationLayer(Activation activation, double slope = 0.01)
      : activation_(activation), slope_(slope) {}
  const char* type() const override { return name_of(activation_); }

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions) override {
    return input;
  }
  Value on_forward(const Value& x) override {
    return {activate(activation_, x.data, slope_), x.lengths};
  }

 private:
  Activation activation_;
  double slope_;
};

ModulePtr relu();
ModulePtr leaky_relu(double slope = 0.01);
ModulePtr tanh();
ModulePtr sigmoid();
ModulePtr gelu();
ModulePtr softplus();

}  // namespace sigtape
