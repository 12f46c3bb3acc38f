#include "sigtape/framework/shapes_only.h"

#include <unordered_map>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/check.h"

namespace sigtape {

struct detail::ShapeCounts {
  struct Block {
    std::string layer;
    std::int64_t bytes;
  };
  std::unordered_map<void*, Block> blocks;
  std::map<std::string, std::int64_t> layers, layers_at_peak;
  std::int64_t live = 0, peak = 0;
  std::int64_t limit = 0;
  std::map<const void*, std::shared_ptr<void>> kept;
};

std::int64_t detail::shape_limit() { return shape_counts->limit; }

std::shared_ptr<void>& detail::kept_by_shapes(const void* owner) {
  return shape_counts->kept[owner];
}

void* detail::count_block(std::int64_t bytes, const char* layer) {
  void* block = cache_count(static_cast<std::size_t>(bytes));
  ShapeCounts& counts = *shape_counts;
  counts.blocks[block] = {layer, bytes};
  counts.layers[layer] += bytes;
  counts.live += bytes;
  if (counts.live > counts.peak) {
    counts.peak = counts.live;
    counts.layers_at_peak = counts.layers;
  }
  return block;
}

void detail::forget_block(void* block) {
  const auto at = shape_counts->blocks.find(block);
  if (at == shape_counts->blocks.end()) return;
  shape_counts->layers[at->second.layer] -= at->second.bytes;
  shape_counts->live -= at->second.bytes;
  shape_counts->blocks.erase(at);
}

namespace {
thread_local bool counting_storages = false;
}  // namespace

detail::CountedStorages::CountedStorages(bool counted) {
  counting_storages = counted;
}
detail::CountedStorages::~CountedStorages() { counting_storages = false; }
bool detail::CountedStorages::active() { return counting_storages; }

ShapesOnly::ShapesOnly(std::int64_t limit)
    : counts_(std::make_unique<detail::ShapeCounts>()) {
  require(!shapes_only(), "ShapesOnly: there is one already");
  counts_->limit = limit;
  const CacheStatistics before = cache_statistics();
  live_before_ = before.live_bytes;
  peak_before_ = before.peak_bytes;
  detail::set_peak_bytes(before.live_bytes);
  detail::shape_counts = counts_.get();
}

ShapesOnly::~ShapesOnly() {
  counts_->kept.clear();
  detail::shape_counts = nullptr;
  detail::set_peak_bytes(peak_before_);
}

std::int64_t ShapesOnly::peak_bytes() const {
  return cache_statistics().peak_bytes - live_before_;
}

const std::map<std::string, std::int64_t>& ShapesOnly::layers_at_peak() const {
  return counts_->layers_at_peak;
}

}  // namespace sigtape
