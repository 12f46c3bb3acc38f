#pragma once

#include <cstdint>
#include <string>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/device.h"

struct CUstream_st;  // what a cudaStream_t points to

/// The CUDA runtime behind tensors, in three versions: with a GPU, in main
/// memory (for tests), and none. All work of a device is in the order of its
/// one stream, so memory that is given back may be handed out again at once.
namespace sigtape::cuda {

/// Devices that can be used. Never throws.
int device_count();

/// Why there are none, as the end of a sentence.
std::string no_device_reason();

/// Whether kernels run on the processor, for tests.
bool is_emulated();

/// Memory of a device, and the pool that it goes back to: 0 is the device's
/// cache, others belong to captured graphs.
struct Block {
  void* data = nullptr;
  int pool = 0;
};

/// `bytes` of uninitialised device memory, aligned to 256 bytes. Throws
/// DeviceError without such a device, MemoryError where it has no more.
Block allocate(std::int64_t bytes, int device);
void release(const Block& block, std::int64_t bytes, int device) noexcept;

/// The counters of a device's cache, as of the CPU's.
CacheStatistics cache_statistics(int device);
void empty_cache(int device);

/// Bytes that the device has, and those not taken by any program.
struct Memory {
  std::int64_t total = 0, free = 0;
};
Memory memory(int device);

/// Copies `bytes` between or within main memory and a device, after all work
/// before it. To main memory it waits for the end, and then throws what
/// check_faults would.
void copy(void* to, Device to_device, const void* from, Device from_device,
          std::int64_t bytes);

/// Waits for a device's work. Throws as check_faults.
void synchronise(int device);

/// A word in a device's memory that kernels add to the position of the random
/// numbers they draw: 0 but while a captured graph runs (graph.h).
std::uint64_t* random_shift(int device);

/// The stream of a device, which becomes this thread's current one.
CUstream_st* stream(int device);

}  // namespace sigtape::cuda
