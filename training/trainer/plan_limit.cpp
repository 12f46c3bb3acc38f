// The refusal of a plan that does not fit, and what would fit instead.
#include <fmt/format.h>

#include <algorithm>

#include "sigtape/training/trainer/fit.h"
#include "sigtape/training/trainer/plan.h"

namespace sigtape {

namespace {

// Calls visit(depth) for the depth of each signature, those of inner networks
// among them.
template <class Layers, class Visit>
void for_each_depth(Layers& layers, const Visit& visit) {
  for (auto& layer : layers) {
    std::visit(
        [&](auto& settings) {
          if constexpr (requires { settings.layers.begin(); }) {
            for_each_depth(settings.layers, visit);
          } else if constexpr (requires { settings.depth; }) {
            visit(settings.depth);
          }
        },
        layer.settings);
  }
}

std::int64_t deepest(const Config& config) {
  std::int64_t depth = 0;
  for_each_depth(config.model.layers,
                 [&](std::int64_t d) { depth = std::max(depth, d); });
  return depth;
}

// The same model with no signature deeper than `depth`.
Config cut_off(Config config, std::int64_t depth) {
  for_each_depth(config.model.layers,
                 [&](std::int64_t& d) { d = std::min(d, depth); });
  return config;
}

Config with_batch(Config config, std::int64_t batch) {
  config.train.batch_size = batch;
  return config;
}

// The largest number below `given` that fits; where that is a long search, one
// that fits and whose successor does not. 0 where none is found. Memory may
// fall where the batch grows: few paths are cut into pieces.
template <class Fits>
std::int64_t largest(std::int64_t given, const Fits& fits) {
  constexpr std::int64_t few = 512;
  if (given <= few) {
    while (--given > 0 && !fits(given)) continue;
    return std::max<std::int64_t>(given, 0);
  }
  std::int64_t low = 0, high = given;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

std::string parts(const MemoryPlan& plan, std::int64_t limit) {
  return fmt::format(
      "{}, together {:.0f} bytes, pass the limit of {} ({} bytes, "
      "limits.max_bytes); layer '{}' takes most, {}",
      plan_text(plan), plan.total(), byte_text(static_cast<double>(limit)),
      limit, plan.layer, byte_text(plan.layer_bytes));
}

std::string advice(std::int64_t depth, std::int64_t batch) {
  std::string text;
  if (depth > 0) {
    text = fmt::format("; the largest depth that fits is {}", depth);
  }
  if (batch > 0) {
    text +=
        fmt::format("; the largest train.batch_size that fits is {}", batch);
  }
  return text.empty() ? "; no smaller depth or batch fits" : text;
}

}  // namespace

MemoryPlan require_memory(const Config& config, const ModelInfo& info,
                          const PlannedData& data, std::int64_t limit) {
  if (limit == 0) return plan_memory(config, info, data);
  const auto within = [&](const MemoryPlan& plan) {
    return plan.total() <= static_cast<double>(limit);
  };
  // Operations ask for the CPU's memory only.
  const std::int64_t of_operations =
      tensor_options(config).device.is_cpu() ? limit : 0;
  // Why an operation refuses; "" where none does.
  std::string refusal;
  MemoryPlan plan;
  const auto fits = [&](const Config& c) {
    try {
      plan = plan_memory(c, info, data, of_operations);
      return within(plan);
    } catch (const MemoryError& error) {
      refusal = error.what();
      return false;
    }
  };
  if (fits(config)) return plan;
  try {
    plan = plan_memory(config, info, data);
    if (!within(plan)) refusal = parts(plan, limit);
  } catch (const MemoryError& error) {
    refusal = error.what();
  }
  const std::string reason = refusal;
  const std::int64_t depth = largest(deepest(config), [&](std::int64_t d) {
    return fits(cut_off(config, d));
  });
  const std::int64_t cases = data.cases
                                 ? std::min(data.cases, config.train.batch_size)
                                 : config.train.batch_size;
  const std::int64_t batch = largest(
      cases, [&](std::int64_t b) { return fits(with_batch(config, b)); });
  fail<MemoryError>("model: ", reason, advice(depth, batch));
}

}  // namespace sigtape
