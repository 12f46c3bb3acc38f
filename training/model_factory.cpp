#include "sigtape/training/model_factory.h"

#include <vector>

#include "sigtape/layers/activation.h"
#include "sigtape/layers/augment.h"
#include "sigtape/layers/dropout.h"
#include "sigtape/layers/layer_norm.h"
#include "sigtape/layers/linear.h"
#include "sigtape/layers/logsignature_layer.h"
#include "sigtape/layers/pooling.h"
#include "sigtape/layers/recur.h"
#include "sigtape/layers/recurrent.h"
#include "sigtape/layers/signature_layer.h"
#include "sigtape/layers/unfold.h"

namespace sigtape {

namespace {

Activation activation_of(ActivationChoice choice) {
  switch (choice) {
    case ActivationChoice::relu:
      return Activation::relu;
    case ActivationChoice::leaky_relu:
      return Activation::leaky_relu;
    case ActivationChoice::tanh:
      return Activation::tanh;
    case ActivationChoice::sigmoid:
      return Activation::sigmoid;
    case ActivationChoice::gelu:
      return Activation::gelu;
    case ActivationChoice::softplus:
      return Activation::softplus;
    case ActivationChoice::none:
      break;
  }
  return Activation::none;
}

Basepoint basepoint_of(const BasepointConfig& config) {
  if (config.kind == BasepointConfig::Kind::values) {
    return Basepoint(config.values);
  }
  return Basepoint(config.kind == BasepointConfig::Kind::zero);
}

LogSignatureMode mode_of(LogSignatureChoice choice) {
  switch (choice) {
    case LogSignatureChoice::expand:
      return LogSignatureMode::expand;
    case LogSignatureChoice::words:
      return LogSignatureMode::words;
    case LogSignatureChoice::brackets:
      break;
  }
  return LogSignatureMode::brackets;
}

std::vector<ModulePtr> make_layers(const std::vector<LayerConfig>& configs,
                                   std::int64_t outputs);

// One layer for each kind of settings.
struct Maker {
  std::int64_t outputs;

  ModulePtr operator()(const AugmentConfig& c) const {
    return augment({.layer_sizes = c.layer_sizes,
                    .kernel_size = c.kernel_size,
                    .stride = c.stride,
                    .padding = c.padding,
                    .dilation = c.dilation,
                    .bias = c.bias,
                    .activation = activation_of(c.activation),
                    .include_original = c.include_original,
                    .include_time = c.include_time});
  }
  ModulePtr operator()(const SignatureConfig& c) const {
    return signature({.depth = c.depth,
                      .stream = c.stream,
                      .basepoint = basepoint_of(c.basepoint),
                      .inverse = c.inverse,
                      .scalar_term = c.scalar_term});
  }
  ModulePtr operator()(const LogSignatureConfig& c) const {
    return logsignature({.depth = c.depth,
                         .mode = mode_of(c.mode),
                         .stream = c.stream,
                         .basepoint = basepoint_of(c.basepoint),
                         .inverse = c.inverse});
  }
  ModulePtr operator()(const LinearConfig& c) const {
    return linear({.out = c.out.value_or(outputs), .bias = c.bias});
  }
  ModulePtr operator()(const ReluConfig&) const { return relu(); }
  ModulePtr operator()(const LeakyReluConfig& c) const {
    return leaky_relu(c.slope);
  }
  ModulePtr operator()(const TanhConfig&) const { return tanh(); }
  ModulePtr operator()(const SigmoidConfig&) const { return sigmoid(); }
  ModulePtr operator()(const GeluConfig&) const { return gelu(); }
  ModulePtr operator()(const SoftplusConfig&) const { return softplus(); }
  ModulePtr operator()(const DropoutConfig& c) const {
    return dropout({.p = c.p});
  }
  ModulePtr operator()(const LayerNormConfig& c) const {
    return layer_norm({.eps = c.eps});
  }
  ModulePtr operator()(const FlattenConfig&) const { return flatten(); }
  ModulePtr operator()(const LastConfig&) const { return last(); }
  ModulePtr operator()(const MeanConfig&) const { return mean(); }
  template <int kind>
  ModulePtr operator()(const RecurrentConfig<kind>& c) const {
    return std::make_shared<Recurrent>(
        static_cast<Cell>(kind),
        RecurrentOptions{
            .hidden = c.hidden, .layers = c.layers, .bias = c.bias});
  }
  ModulePtr operator()(const RecurConfig& c) const {
    return recur({.network = sequential(make_layers(c.layers, outputs)),
                  .memory = c.memory});
  }
  ModulePtr operator()(const UnfoldConfig& c) const {
    return unfold({.length = c.length, .stride = c.stride});
  }
};

std::vector<ModulePtr> make_layers(const std::vector<LayerConfig>& configs,
                                   std::int64_t outputs) {
  std::vector<ModulePtr> layers;
  for (const LayerConfig& layer : configs) {
    layers.push_back(std::visit(Maker{outputs}, layer.settings));
    layers.back()->set_name(layer.name);
  }
  return layers;
}

}  // namespace

std::shared_ptr<Sequential> make_model(const ModelConfig& config,
                                       std::int64_t outputs) {
  return sequential(make_layers(config.layers, outputs));
}

}  // namespace sigtape
