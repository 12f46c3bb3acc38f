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
#include "sigtape/layers/transform_layers.h"
#include "sigtape/layers/unfold.h"
#include "sigtape/layers/window.h"

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

Windows windows_of(const WindowConfig& c) {
  switch (c.kind) {
    case WindowChoice::sliding:
      return Windows::sliding(c.size.value(), c.step);
    case WindowChoice::expanding:
      return Windows::expanding(c.size.value(), c.step);
    case WindowChoice::dyadic:
      return Windows::dyadic(c.levels.value());
    case WindowChoice::intervals:
      break;
  }
  std::vector<PointInterval> intervals;
  for (std::size_t i = 0; i < c.starts.size(); ++i)
    intervals.push_back({c.starts[i], c.ends[i]});
  return Windows::intervals(intervals);
}

std::optional<LogSignatureMode> mode_of(WindowResultChoice choice) {
  switch (choice) {
    case WindowResultChoice::none:
      return {};
    case WindowResultChoice::expand:
      return LogSignatureMode::expand;
    case WindowResultChoice::words:
      return LogSignatureMode::words;
    case WindowResultChoice::brackets:
      break;
  }
  return LogSignatureMode::brackets;
}

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
  ModulePtr operator()(const WindowConfig& c) const {
    return window({.windows = windows_of(c),
                   .depth = c.depth,
                   .logsignature = mode_of(c.logsignature),
                   .basepoint = basepoint_of(c.basepoint),
                   .inverse = c.inverse,
                   .scalar_term = c.scalar_term});
  }
  ModulePtr operator()(const TimeConfig& c) const {
    return add_time({.start = c.start, .end = c.end, .first = c.first});
  }
  ModulePtr operator()(const LeadLagConfig& c) const {
    return lead_lag(LeadLagOptions{.lag_first = c.lag_first});
  }
  ModulePtr operator()(const InvisibilityResetConfig&) const {
    return invisibility_reset();
  }
  ModulePtr operator()(const CumulativeSumConfig&) const {
    return cumulative_sum();
  }
  ModulePtr operator()(const BasepointLayerConfig& c) const {
    return prepend_basepoint(basepoint_of(c.point));
  }
  ModulePtr operator()(const ScaleConfig& c) const { return scale(c.factors); }
  ModulePtr operator()(const KeepChannelsConfig& c) const {
    return keep_channels(c.channels);
  }
  ModulePtr operator()(const DropChannelsConfig& c) const {
    return drop_channels(c.channels);
  }
  ModulePtr operator()(const RectilinearConfig& c) const {
    return rectilinear(c.time_channel);
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

std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config,
                                          std::vector<NamedTensor> p) {
  if (const auto* c = std::get_if<SgdConfig>(&config)) {
    return sgd(std::move(p),
               {c->lr, c->momentum, c->nesterov, c->weight_decay});
  }
  if (const auto* c = std::get_if<AdamConfig>(&config)) {
    return adam(std::move(p),
                {c->lr, c->beta1, c->beta2, c->eps, c->weight_decay, false});
  }
  const auto& c = std::get<AdamwConfig>(config);
  return adam(std::move(p),
              {c.lr, c.beta1, c.beta2, c.eps, c.weight_decay, true});
}

}  // namespace sigtape
