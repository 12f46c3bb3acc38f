// SigNet, SigNet2 and SigNet3 as lists of layers (P. Kidger, P. Bonnier,
// I. Perez Arribas, C. Salvi, T. Lyons: Deep Signature Transforms, 2019).

#include "sigtape/training/config/schema.h"

namespace sigtape::config {
namespace {

LayerConfig augment(const char* name, std::vector<std::int64_t> sizes,
                    std::int64_t kernel, bool original_and_time) {
  AugmentConfig settings;
  settings.layer_sizes = std::move(sizes);
  settings.kernel_size = kernel;
  settings.include_original = original_and_time;
  settings.include_time = original_and_time;
  return {name, settings};
}

LayerConfig signature(std::int64_t depth, bool stream) {
  SignatureConfig settings;
  settings.depth = depth;
  settings.stream = stream;
  settings.basepoint.kind = BasepointConfig::Kind::zero;
  return {"", settings};
}

}  // namespace

std::string default_name(std::size_t index) {
  return "layers." + std::to_string(index);
}

std::vector<LayerConfig> preset_layers(const std::string& type,
                                       std::int64_t depth,
                                       std::optional<std::int64_t> out) {
  std::vector<LayerConfig> layers;
  if (type == "signet") {
    layers = {augment("augment", {}, 1, true), signature(depth, false)};
  } else if (type == "signet2") {
    layers = {augment("augment", {8, 8, 2}, 4, true), signature(depth, false)};
  } else {
    layers = {augment("augment1", {8, 8, 4}, 4, true), signature(depth, true),
              augment("augment2", {8, 8, 4}, 4, false),
              signature(depth, false)};
  }
  LinearConfig linear;
  linear.out = out;
  layers.push_back({"linear", linear});
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (layers[i].name.empty()) layers[i].name = default_name(i);
  return layers;
}

}  // namespace sigtape::config
