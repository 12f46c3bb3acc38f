#include "sigtape/layers/models.h"

#include <string>
#include <vector>

#include "sigtape/layers/augment.h"
#include "sigtape/layers/linear.h"
#include "sigtape/layers/signature_layer.h"

namespace sigtape {

std::shared_ptr<Sequential> signet(std::int64_t in_channels, std::int64_t out,
                                   std::int64_t depth) {
  return sequential(augment({.in_channels = in_channels, .name = "augment"}),
                    signature({.depth = depth, .basepoint = true}),
                    linear({.out = out, .name = "linear"}));
}

std::shared_ptr<Sequential> signet2(std::int64_t in_channels, std::int64_t out,
                                    std::int64_t depth) {
  return sequential(augment({.in_channels = in_channels,
                             .layer_sizes = {8, 8, 2},
                             .kernel_size = 4,
                             .name = "augment"}),
                    signature({.depth = depth, .basepoint = true}),
                    linear({.out = out, .name = "linear"}));
}

std::shared_ptr<Sequential> signet3(std::int64_t in_channels, std::int64_t out,
                                    std::int64_t depth) {
  return deep_signet(in_channels, out, depth, 2);
}

std::shared_ptr<Sequential> deep_signet(std::int64_t in_channels,
                                        std::int64_t out, std::int64_t depth,
                                        std::int64_t blocks) {
  require(blocks >= 1, "deep_signet: expected at least 1 block, got ", blocks);
  std::vector<ModulePtr> layers;
  for (std::int64_t i = 0; i < blocks; ++i) {
    const bool first = i == 0, last = i + 1 == blocks;
    layers.push_back(augment({.in_channels = first ? in_channels : 0,
                              .layer_sizes = {8, 8, 4},
                              .kernel_size = 4,
                              .include_original = first,
                              .include_time = first,
                              .name = "augment" + std::to_string(i + 1)}));
    layers.push_back(
        signature({.depth = depth, .stream = !last, .basepoint = true}));
  }
  layers.push_back(linear({.out = out, .name = "linear"}));
  return sequential(layers);
}

}  // namespace sigtape
