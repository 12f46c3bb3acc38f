#include "sigtape/training/trainer/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "sigtape/layers/signature/channels.h"

namespace sigtape {

namespace {

// Shapes and parameters of layers, one after another.
struct Walk {
  ValueShape shape;
  std::int64_t outputs;
  double parameters = 0;

  void operator()(const AugmentConfig& c) {
    const std::int64_t taps = c.dilation * (c.kernel_size - 1) + 1;
    shape.length = (shape.length + 2 * c.padding - taps) / c.stride + 1;
    std::int64_t in = shape.channels, kernel = c.kernel_size;
    for (const std::int64_t out : c.layer_sizes) {
      linear_map(in * kernel, out, c.bias);
      in = out;
      kernel = 1;
    }
    shape.channels = (c.include_original ? shape.channels : 0) +
                     (c.include_time ? 1 : 0) +
                     (c.layer_sizes.empty() ? 0 : in);
  }
  void operator()(const SignatureConfig& c) {
    const bool none = c.basepoint.kind == BasepointConfig::Kind::none;
    shape.length = c.stream ? shape.length - (none ? 1 : 0) : 0;
    shape.channels = signature_channels(shape.channels, c.depth, c.scalar_term);
  }
  void operator()(const LinearConfig& c) {
    const std::int64_t out = c.out.value_or(outputs);
    linear_map(shape.channels, out, c.bias);
    shape.channels = out;
  }
  void operator()(const LayerNormConfig&) {
    parameters += 2 * static_cast<double>(shape.channels);
  }
  void operator()(const FlattenConfig&) {
    shape.channels *= std::max<std::int64_t>(shape.length, 1);
    shape.length = 0;
  }
  void operator()(const LastConfig&) { shape.length = 0; }
  void operator()(const MeanConfig&) { shape.length = 0; }
  template <int kind>
  void operator()(const RecurrentConfig<kind>& c) {
    constexpr std::int64_t gates[] = {1, 3, 4};
    for (std::int64_t i = 0; i < c.layers; ++i) {
      linear_map(shape.channels, gates[kind] * c.hidden, c.bias);
      linear_map(c.hidden, gates[kind] * c.hidden, c.bias);
      shape.channels = c.hidden;
    }
  }
  void operator()(const RecurConfig& c) {
    const std::int64_t length = shape.length;
    shape = {0, shape.channels + c.memory, false};
    for (const LayerConfig& layer : c.layers) std::visit(*this, layer.settings);
    shape = {length, shape.channels - c.memory, false};
  }
  void operator()(const UnfoldConfig& c) {
    shape.length = (shape.length - c.length) / c.stride + 1;
    shape.channels *= c.length;
  }
  template <class Elementwise>
  void operator()(const Elementwise&) {}

  void linear_map(std::int64_t in, std::int64_t out, bool bias) {
    parameters +=
        static_cast<double>(out) * (static_cast<double>(in) + (bias ? 1 : 0));
  }
  double elements() const {
    return static_cast<double>(shape.channels) *
           static_cast<double>(std::max<std::int64_t>(shape.length, 1));
  }
};

// Numbers that an optimiser keeps for each weight.
double state_numbers(const OptimizerConfig& config) {
  const auto* c = std::get_if<SgdConfig>(&config);
  if (!c) return 2;
  return c->momentum != 0 ? 1 : 0;
}

std::int64_t deepest(const Config& config) {
  std::int64_t depth = 0;
  for (const LayerConfig& layer : config.model.layers) {
    const auto* c = std::get_if<SignatureConfig>(&layer.settings);
    if (c) depth = std::max(depth, c->depth);
  }
  return depth;
}

// The same model with no signature deeper than `depth`.
Config cut_off(Config config, std::int64_t depth) {
  for (LayerConfig& layer : config.model.layers) {
    auto* c = std::get_if<SignatureConfig>(&layer.settings);
    if (c) c->depth = std::min(c->depth, depth);
  }
  return config;
}

// The most cases of a batch that a plan for `batch_size` of them leaves room
// for, or 0.
std::int64_t largest_batch(const MemoryPlan& plan, std::int64_t batch_size,
                           std::int64_t limit) {
  const double room =
      static_cast<double>(limit) - (plan.total() - plan.activations);
  const double one = plan.activations / static_cast<double>(batch_size);
  return room > 0 ? static_cast<std::int64_t>(room / one) : 0;
}

}  // namespace

MemoryPlan plan_memory(const Config& config, const ValueShape& input,
                       std::int64_t outputs, std::int64_t data_bytes) {
  const double size = config.dtype == DtypeChoice::float64 ? 8 : 4;
  Walk walk{input, outputs};
  double activations = walk.elements();
  for (const LayerConfig& layer : config.model.layers) {
    std::visit(walk, layer.settings);
    activations += 2 * walk.elements();
  }
  MemoryPlan plan;
  plan.weights = size * walk.parameters;
  plan.gradients = plan.weights;
  plan.optimizer = plan.weights * state_numbers(config.train.optimizer);
  plan.data = static_cast<double>(data_bytes);
  plan.activations =
      size * activations * static_cast<double>(config.train.batch_size);
  return plan;
}

void require_memory(const Config& config, const ValueShape& input,
                    std::int64_t outputs, std::int64_t data_bytes,
                    std::int64_t limit) {
  const auto fits = [&](const Config& c) {
    return plan_memory(c, input, outputs, data_bytes).total() <=
           static_cast<double>(limit);
  };
  if (limit == 0 || fits(config)) return;
  const MemoryPlan plan = plan_memory(config, input, outputs, data_bytes);
  std::int64_t depth = deepest(config) - 1;
  while (depth > 0 && !fits(cut_off(config, depth))) --depth;
  const std::int64_t cases =
      largest_batch(plan, config.train.batch_size, limit);
  fail<MemoryError>(
      "model: ", plan_text(plan), " together pass the limit of ",
      byte_text(static_cast<double>(limit)), " (limits.max_bytes); ",
      depth > 0 ? "the largest depth that fits is " + std::to_string(depth)
                : "no smaller depth helps",
      "; ",
      cases > 0
          ? "the largest train.batch_size that fits is " + std::to_string(cases)
          : "no train.batch_size helps");
}

std::string plan_text(const MemoryPlan& p) {
  return fmt::format(
      "weights {}, gradients {}, optimiser {}, data {} and activations {}",
      byte_text(p.weights), byte_text(p.gradients), byte_text(p.optimizer),
      byte_text(p.data), byte_text(p.activations));
}

std::string byte_text(double bytes) {
  const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  for (; bytes >= 1024 && unit < 4; ++unit) bytes /= 1024;
  return fmt::format("{:.{}f} {}", bytes, unit ? 1 : 0, units[unit]);
}

}  // namespace sigtape
