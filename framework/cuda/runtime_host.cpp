// A device in main memory, for tests. Every block is of exactly the size asked
// for and filled with NaN, so that sanitizers and comparisons see whatever a
// kernel reads or writes beyond what it should.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "sigtape/framework/check.h"
#include "sigtape/framework/cuda/faults.h"
#include "sigtape/framework/cuda/runtime.h"
#include "sigtape/framework/system_memory.h"

namespace sigtape::cuda {

namespace {

FaultRecord record;
std::uint64_t shift = 0;
std::atomic<std::int64_t> live_bytes{0};
std::atomic<std::int64_t> peak_bytes{0};

void require_device(int device) {
  require<DeviceError>(device == 0, "device cuda:", device,
                       ": there is one device, cuda:0");
}

}  // namespace

int device_count() { return 1; }
std::string no_device_reason() { return ""; }
bool is_emulated() { return true; }

Block allocate(std::int64_t bytes, int device) {
  require_device(device);
  void* data = std::malloc(bytes);
  require<MemoryError>(data || bytes == 0, "out of memory on cuda:", device,
                       ": ", bytes, " bytes for a tensor");
  if (bytes > 0) std::memset(data, 0xff, bytes);
  live_bytes += bytes;
  peak_bytes = std::max(peak_bytes.load(), live_bytes.load());
  return {data, 0};
}

void release(const Block& block, std::int64_t bytes, int) noexcept {
  live_bytes -= bytes;
  std::free(block.data);
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
  const std::int64_t bytes = static_cast<std::int64_t>(physical_memory_bytes());
  return {bytes, bytes - live_bytes};
}

void copy(void* to, Device to_device, const void* from, Device,
          std::int64_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
  if (to_device.is_cpu()) synchronise(0);
}

void synchronise(int) {
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
