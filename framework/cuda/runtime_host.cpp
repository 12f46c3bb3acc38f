// A device in main memory, for tests. Every block is of exactly the size asked
// for and filled with NaN, so that sanitizers and comparisons see whatever a
// kernel reads or writes beyond what it should. Memory of graphs stays theirs,
// each block for requests of its very size, and every replay of an allocation
// fills it with NaN again.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "sigtape/framework/check.h"
#include "sigtape/framework/cuda/faults.h"
#include "sigtape/framework/cuda/graph.h"
#include "sigtape/framework/cuda/host/emulator.h"
#include "sigtape/framework/cuda/host/guard.h"
#include "sigtape/framework/cuda/host/injection.h"
#include "sigtape/framework/cuda/host/streams.h"
#include "sigtape/framework/cuda/pool.h"
#include "sigtape/framework/cuda/runtime.h"
#include "sigtape/framework/cuda/status.h"
#include "sigtape/framework/system_memory.h"

namespace sigtape::cuda {

namespace {

FaultRecord record;
std::uint64_t shift = 0;
std::atomic<std::int64_t> live_bytes{0};
std::atomic<std::int64_t> peak_bytes{0};

struct Pool {
  std::map<std::int64_t, std::vector<void*>> blocks;  // free ones, by size
  bool freed = false;
};
std::mutex pools_mutex;
// Never destroyed: tensors of static storage duration may outlive any order.
auto& pools = *new std::vector<std::unique_ptr<Pool>>;
thread_local int open_pool = 0;

// A block of the open pool that has been given back, or null.
void* from_pool(std::int64_t bytes) {
  const std::lock_guard lock(pools_mutex);
  std::vector<void*>& blocks = pools[open_pool - 1]->blocks[bytes];
  if (blocks.empty()) return nullptr;
  void* block = blocks.back();
  blocks.pop_back();
  return block;
}

// What a call reports of a fault that was met before it.
void check_call(const char* what, int code) {
  if (code != 0) fail_call(what, cuda_host::injected(code));
}

// Emulated cudaMalloc, of at most SIGTAPE_CUDA_MEMORY bytes in all where that
// is set.
void* new_block(std::int64_t bytes, int device) {
  require_no_capture("asking for device memory");
  check_call("an allocation", cuda_host::error_of_call());
  ++cuda_host::counts().allocations;
  const std::int64_t free = memory(device).free;
  void* data = bytes <= free ? std::malloc(bytes) : nullptr;
  if (!data && bytes > 0) {
    fail_allocation(device, bytes, live_bytes, free, memory(device).total);
  }
  return data;
}

void require_device(int device) {
  require<DeviceError>(device_count() > 0, "device cuda:", device, ": ",
                       no_device_reason());
  require<DeviceError>(device == 0, "device cuda:", device,
                       ": there is one device, cuda:0");
}

}  // namespace

int device_count() { return cuda_host::counting_error() ? 0 : 1; }
std::string no_device_reason() {
  return why_no_device(cuda_host::injected(cuda_host::counting_error()),
                       cuda_host::driver_version(), 13000);
}
bool is_emulated() { return true; }

Block allocate(std::int64_t bytes, int device) {
  require_device(device);
  void* data = open_pool ? from_pool(bytes) : nullptr;
  if (!data) {
    data = new_block(bytes, device);
    cuda_host::guard_block(data, bytes);
  }
  if (bytes > 0) {
    cuda_host::submit([data, bytes] { std::memset(data, 0xff, bytes); });
  }
  live_bytes += bytes;
  peak_bytes = std::max(peak_bytes.load(), live_bytes.load());
  return {data, open_pool};
}

void release(const Block& block, std::int64_t bytes, int) noexcept {
  cuda_host::finish(cuda_host::StreamName::device);
  live_bytes -= bytes;
  const std::lock_guard lock(pools_mutex);
  if (block.pool && !pools[block.pool - 1]->freed) {
    pools[block.pool - 1]->blocks[bytes].push_back(block.data);
  } else {
    cuda_host::unguard_block(block.data);
    std::free(block.data);
  }
}

int make_graph_pool(int) {
  const std::lock_guard lock(pools_mutex);
  pools.push_back(std::make_unique<Pool>());
  return static_cast<int>(pools.size());
}

void open_graph_pool(int pool) { open_pool = pool; }

void free_graph_pool(int pool, int) noexcept {
  const std::lock_guard lock(pools_mutex);
  Pool& p = *pools[pool - 1];
  for (const auto& [bytes, blocks] : p.blocks) {
    for (void* block : blocks) {
      cuda_host::unguard_block(block);
      std::free(block);
    }
  }
  p.blocks.clear();
  p.freed = true;
}

CacheStatistics cache_statistics(int) {
  CacheStatistics s;
  s.live_bytes = live_bytes;
  s.peak_bytes = peak_bytes;
  return s;
}

void empty_cache(int) {}

Memory memory(int device) {
  require_device(device);
  const char* limit = std::getenv("SIGTAPE_CUDA_MEMORY");
  const std::int64_t bytes =
      limit ? std::atoll(limit)
            : static_cast<std::int64_t>(physical_memory_bytes());
  return {bytes, bytes - live_bytes};
}

void copy(void* to, Device to_device, const void* from, Device from_device,
          std::int64_t bytes) {
  if (to_device.is_cpu() || from_device.is_cpu()) {
    require_no_capture("a copy from or to main memory");
  }
  check_call("a copy", cuda_host::error_of_call());
  if (bytes > 0) cuda_host::submit([=] { std::memcpy(to, from, bytes); });
  if (to_device.is_cpu()) synchronise(0);
}

void synchronise(int) {
  require_no_capture("waiting for the device");
  ++cuda_host::counts().synchronisations;
  cuda_host::counts().copies_when_waited =
      cuda_host::event(cuda_host::StreamName::copies).place;
  cuda_host::finish(cuda_host::StreamName::device);
  check_call("work on the device", cuda_host::error_when_waiting());
  const FaultRecord found = std::exchange(record, {});
  raise(found);
}

FaultRecord* fault_record(int) { return &record; }
std::uint64_t* random_shift(int) { return &shift; }

CUstream_st* stream(int device) {
  require_device(device);
  return nullptr;
}

}  // namespace sigtape::cuda
