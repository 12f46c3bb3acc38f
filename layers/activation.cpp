#include "sigtape/layers/activation.h"

#include "sigtape/framework/ops.h"

namespace sigtape {

namespace {

ModulePtr layer(Activation activation, double slope = 0.01) {
  return std::make_shared<ActivationLayer>(activation, slope);
}

}  // namespace

const char* name_of(Activation activation) {
  switch (activation) {
    case Activation::relu:
      return "relu";
    case Activation::leaky_relu:
      return "leaky_relu";
    case Activation::tanh:
      return "tanh";
    case Activation::sigmoid:
      return "sigmoid";
    case Activation::gelu:
      return "gelu";
    case Activation::softplus:
      return "softplus";
    case Activation::none:
      return "none";
  }
  fail("activation: unknown value ", static_cast<int>(activation));
}

Tensor activate(Activation activation, const Tensor& x, double slope) {
  switch (activation) {
    case Activation::relu:
      return relu(x);
    case Activation::leaky_relu:
      return leaky_relu(x, slope);
    case Activation::tanh:
      return tanh(x);
    case Activation::sigmoid:
      return sigmoid(x);
    case Activation::gelu:
      return gelu(x);
    case Activation::softplus:
      return softplus(x);
    case Activation::none:
      return x;
  }
  fail("activation: unknown value ", static_cast<int>(activation));
}

ModulePtr relu() { return layer(Activation::relu); }
ModulePtr leaky_relu(double slope) {
  return layer(Activation::leaky_relu, slope);
}
ModulePtr tanh() { return layer(Activation::tanh); }
ModulePtr sigmoid() { return layer(Activation::sigmoid); }
ModulePtr gelu() { return layer(Activation::gelu); }
ModulePtr softplus() { return layer(Activation::softplus); }

}  // namespace sigtape
