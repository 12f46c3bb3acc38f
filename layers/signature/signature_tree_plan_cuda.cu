// How calls of the register kernels are cut, and which sizes have them.
#include "sigtape/framework/divide_up.h"
#include "sigtape/layers/signature/signature_tree_kernels_cuda.h"
#include "sigtape/layers/signature/signature_tree_units_cuda.h"

namespace sigtape::cuda {

namespace {

// What keeps 132 processors busy with eight warps each.
constexpr std::int64_t kThreadsWanted = 132 * 8 * 32;
// Shared memory of a block that every GPU gives without asking.
constexpr std::int64_t kSharedBytes = 48 << 10;
// Increments of a chunk: enough to be worth joining, and few enough for the
// prefix to survive being walked back.
constexpr std::int64_t kFewestSteps = 8, kMostSteps = 128;

template <class T>
const TreeKernels<T>* find(std::int64_t channels, int depth) {
  switch (channels) {
    case 2:
      return tree_kernels_2(T{}, depth);
    case 3:
      return tree_kernels_3(T{}, depth);
    case 4:
      return tree_kernels_4(T{}, depth);
    case 5:
      return tree_kernels_5(T{}, depth);
    case 6:
      return tree_kernels_6(T{}, depth);
    case 10:
      return tree_kernels_10(T{}, depth);
    default:
      return nullptr;
  }
}

}  // namespace

const TreeKernels<float>* tree_kernels(float, std::int64_t channels,
                                       int depth) {
  return find<float>(channels, depth);
}

const TreeKernels<double>* tree_kernels(double, std::int64_t channels,
                                        int depth) {
  return find<double>(channels, depth);
}

TreePlan tree_plan(std::int64_t batch, std::int64_t increments,
                   std::int64_t channels, int depth, int prefix_levels,
                   std::size_t element) {
  const std::int64_t prefixes = power(channels, prefix_levels);
  const std::int64_t lanes =
      tree_lanes(static_cast<int>(channels), prefix_levels);
  const std::int64_t slices = prefixes / lanes;
  const std::int64_t chunk_bytes =
      (kStaged * channels + 4 + words_to(channels, depth)) *
      static_cast<std::int64_t>(element);
  const std::int64_t room = kSharedBytes / chunk_bytes;
  std::int64_t most = kTreeThreads / lanes;
  // The table of a backward block stands beside its staged increments.
  while (most > 1 &&
         most * (kStaged * channels + 4) + (element == 4 ? 4 : 2) *
                                               (channels + prefix_levels) *
                                               (most * lanes + 31) >
             kSharedBytes / static_cast<std::int64_t>(element)) {
    --most;
  }
  if (most > room) most = room;
  if (most < 1 || slices > 1) most = 1;
  std::int64_t wanted = divide_up(kThreadsWanted, batch * prefixes);
  const std::int64_t fewest = divide_up(increments, kMostSteps);
  const std::int64_t sensible = divide_up(increments, kFewestSteps);
  if (wanted > sensible) wanted = sensible;
  if (wanted < fewest) wanted = fewest;
  TreePlan plan;
  plan.chunks = wanted < most ? wanted : most;
  plan.segments = divide_up(wanted, plan.chunks);
  plan.steps =
      divide_up(divide_up(increments, plan.segments * plan.chunks), 4) * 4;
  plan.slices = slices;
  return plan;
}

}  // namespace sigtape::cuda
