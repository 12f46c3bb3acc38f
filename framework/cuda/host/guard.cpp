#include "sigtape/framework/cuda/host/guard.h"

#ifdef __SANITIZE_ADDRESS__

#include <sanitizer/asan_interface.h>

#include <map>
#include <mutex>

namespace sigtape::cuda_host {

namespace {

struct Guard {
  std::recursive_mutex mutex;
  std::map<void*, std::size_t> blocks;
  int running = 0;
};

// Never destroyed: tensors of static storage duration may outlive any order.
Guard& guard() {
  static auto& all = *new Guard;
  return all;
}

}  // namespace

void guard_block(void* block, std::size_t bytes) {
  if (!block || bytes == 0) return;
  Guard& g = guard();
  const std::lock_guard lock(g.mutex);
  g.blocks[block] = bytes;
  if (g.running == 0) __asan_poison_memory_region(block, bytes);
}

void unguard_block(void* block) {
  Guard& g = guard();
  const std::lock_guard lock(g.mutex);
  const auto at = g.blocks.find(block);
  if (at == g.blocks.end()) return;
  __asan_unpoison_memory_region(block, at->second);
  g.blocks.erase(at);
}

DeviceWork::DeviceWork() {
  Guard& g = guard();
  g.mutex.lock();
  if (g.running++ > 0) return;
  for (const auto& [block, bytes] : g.blocks)
    __asan_unpoison_memory_region(block, bytes);
}

DeviceWork::~DeviceWork() {
  Guard& g = guard();
  if (--g.running == 0)
    for (const auto& [block, bytes] : g.blocks)
      __asan_poison_memory_region(block, bytes);
  g.mutex.unlock();
}

}  // namespace sigtape::cuda_host

#else

namespace sigtape::cuda_host {

void guard_block(void*, std::size_t) {}
void unguard_block(void*) {}
DeviceWork::DeviceWork() {}
DeviceWork::~DeviceWork() {}

}  // namespace sigtape::cuda_host

#endif
