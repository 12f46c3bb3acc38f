// A cache of device memory in size classes, four to an octave, over cudaMalloc.
// All work is in one stream for each device, so a block that is given back may
// be handed out at once. Blocks taken while a graph is captured stay the
// graph's: whatever it writes there on a replay, nobody else has them.
#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <mutex>
#include <vector>

#include "sigtape/framework/check.h"
#include "sigtape/framework/cuda/call.h"
#include "sigtape/framework/cuda/faults.h"
#include "sigtape/framework/cuda/graph.h"
#include "sigtape/framework/cuda/pool.h"
#include "sigtape/framework/cuda/runtime.h"

namespace sigtape::cuda {

namespace {

constexpr int classes = 4 * 56;
constexpr std::int64_t unit = 256;

int class_of(std::int64_t bytes) {
  if (bytes <= unit) return 0;
  const std::uint64_t last = static_cast<std::uint64_t>(bytes) - 1;
  const int octave = std::bit_width(last) - 1;  // 2^octave < bytes
  return (octave - 8) * 4 + static_cast<int>((last >> (octave - 2)) & 3) + 1;
}

std::int64_t class_bytes(int c) {
  return (std::int64_t{4} + c % 4) << (c / 4 + 6);
}

// Errors that have a sentence of their own are told by CUDA's numbers.
#define SAME(status, error) \
  static_assert(static_cast<int>(Status::status) == cudaError##error)
SAME(out_of_memory, MemoryAllocation);
SAME(old_driver, InsufficientDriver);
SAME(busy, DevicesUnavailable);
SAME(no_device, NoDevice);
SAME(no_kernels, NoKernelImageForDevice);
SAME(broken_memory, ECCUncorrectable);
SAME(illegal_address, IllegalAddress);
SAME(too_long, LaunchTimeout);
SAME(assertion, Assert);
SAME(stack, HardwareStackError);
SAME(illegal_instruction, IllegalInstruction);
SAME(misaligned_address, MisalignedAddress);
SAME(address_space, InvalidAddressSpace);
SAME(program_counter, InvalidPc);
SAME(launch_failure, LaunchFailure);
#undef SAME

using FreeLists = std::array<std::vector<void*>, classes>;

struct Words {  // in device memory
  FaultRecord fault;
  std::uint64_t shift;
};

struct DeviceState {
  std::mutex mutex;
  cudaStream_t stream = nullptr;
  Words* words = nullptr;
  FreeLists free;
  std::vector<std::unique_ptr<FreeLists>> pools;  // of graphs; null when gone
  CacheStatistics statistics;
};

struct Availability {
  int count = 0;
  std::string reason;
};

Availability find_devices() {
  Availability found;
  int driver = 0;
  const cudaError_t error = cudaGetDeviceCount(&found.count);
  if (error == cudaSuccess && found.count > 0) return found;
  found.count = 0;
  cudaGetLastError();
  cudaDriverGetVersion(&driver);
  found.reason = why_no_device(result_of(error), driver, CUDART_VERSION);
  return found;
}

const Availability& availability() {
  static const Availability found = find_devices();
  return found;
}

void make_current(int device) {
  thread_local int current = -1;
  if (current == device) return;
  check("the choice of the device", cudaSetDevice(device));
  current = device;
}

void start(DeviceState& state) {
  check("the making of a stream",
        cudaStreamCreateWithFlags(&state.stream, cudaStreamNonBlocking));
  check("the first allocation", cudaMalloc(&state.words, sizeof(Words)));
  check("the clearing of memory",
        cudaMemsetAsync(state.words, 0, sizeof(Words), state.stream));
}

// Never destroyed: tensors of static storage duration may outlive any order.
DeviceState& state_of(int device) {
  static std::mutex mutex;
  static auto* states = new std::vector<std::unique_ptr<DeviceState>>;
  const int count = device_count();
  require<DeviceError>(count > 0, "device cuda:", device, ": ",
                       no_device_reason());
  require<DeviceError>(device >= 0 && device < count, "device cuda:", device,
                       ": there are ", count, " devices");
  make_current(device);
  const std::lock_guard lock(mutex);
  states->resize(count);
  auto& state = (*states)[device];
  if (!state) {
    state = std::make_unique<DeviceState>();
    start(*state);
  }
  return *state;
}

thread_local int open_pool = 0;

void* take(FreeLists& lists, int c) {
  if (lists[c].empty()) return nullptr;
  void* block = lists[c].back();
  lists[c].pop_back();
  return block;
}

void free_cached(DeviceState& state) {
  cudaStreamSynchronize(state.stream);
  for (int c = 0; c < classes; ++c) {
    for (void* block : state.free[c]) cudaFree(block);
    state.statistics.cached_bytes -=
        class_bytes(c) * static_cast<std::int64_t>(state.free[c].size());
    state.free[c].clear();
  }
}

void* new_block(DeviceState& state, std::int64_t bytes, int c, int device) {
  require_no_capture("asking for device memory");
  void* block = nullptr;
  if (cudaMalloc(&block, class_bytes(c)) == cudaSuccess) return block;
  cudaGetLastError();
  if (open_pool == 0) free_cached(state);
  const cudaError_t error = cudaMalloc(&block, class_bytes(c));
  if (error == cudaSuccess) return block;
  cudaGetLastError();
  if (error != cudaErrorMemoryAllocation) check("an allocation", error);
  std::size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  fail_allocation(device, bytes, state.statistics.live_bytes,
                  static_cast<std::int64_t>(free),
                  static_cast<std::int64_t>(total));
}

}  // namespace

int device_count() { return availability().count; }
std::string no_device_reason() { return availability().reason; }
bool is_emulated() { return false; }

Block allocate(std::int64_t bytes, int device) {
  DeviceState& state = state_of(device);
  const std::lock_guard lock(state.mutex);
  const int c = class_of(bytes);
  CacheStatistics& s = state.statistics;
  void* block = open_pool ? take(*state.pools[open_pool - 1], c) : nullptr;
  if (!block) {
    block = take(state.free, c);
    if (block) s.cached_bytes -= class_bytes(c);
  }
  ++(block ? s.hits : s.misses);
  if (!block) block = new_block(state, bytes, c, device);
  s.live_bytes += bytes;
  s.peak_bytes = std::max(s.peak_bytes, s.live_bytes);
  return {block, open_pool};
}

void release(const Block& block, std::int64_t bytes, int device) noexcept {
  DeviceState& state = state_of(device);
  const std::lock_guard lock(state.mutex);
  const int c = class_of(bytes);
  state.statistics.live_bytes -= bytes;
  if (block.pool && state.pools[block.pool - 1]) {
    (*state.pools[block.pool - 1])[c].push_back(block.data);
    return;
  }
  state.free[c].push_back(block.data);
  state.statistics.cached_bytes += class_bytes(c);
}

int make_graph_pool(int device) {
  DeviceState& state = state_of(device);
  const std::lock_guard lock(state.mutex);
  state.pools.push_back(std::make_unique<FreeLists>());
  return static_cast<int>(state.pools.size());
}

void open_graph_pool(int pool) { open_pool = pool; }

void free_graph_pool(int pool, int device) noexcept {
  DeviceState& state = state_of(device);
  const std::lock_guard lock(state.mutex);
  FreeLists& lists = *state.pools[pool - 1];
  for (int c = 0; c < classes; ++c) {
    for (void* block : lists[c]) {
      state.free[c].push_back(block);
      state.statistics.cached_bytes += class_bytes(c);
    }
  }
  state.pools[pool - 1].reset();
}

CacheStatistics cache_statistics(int device) {
  DeviceState& state = state_of(device);
  const std::lock_guard lock(state.mutex);
  return state.statistics;
}

void empty_cache(int device) {
  DeviceState& state = state_of(device);
  const std::lock_guard lock(state.mutex);
  free_cached(state);
}

Memory memory(int device) {
  state_of(device);
  std::size_t free = 0, total = 0;
  check("the question for free memory", cudaMemGetInfo(&free, &total));
  return {static_cast<std::int64_t>(total), static_cast<std::int64_t>(free)};
}

void copy(void* to, Device to_device, const void* from, Device from_device,
          std::int64_t bytes) {
  if (to_device.is_cpu() || from_device.is_cpu()) {
    require_no_capture("a copy from or to main memory");
  }
  const int device = to_device.is_cpu() ? from_device.index : to_device.index;
  DeviceState& state = state_of(device);
  if (!to_device.is_cpu() && !from_device.is_cpu() &&
      to_device.index != from_device.index) {
    synchronise(from_device.index);
    make_current(device);
  }
  if (bytes > 0) {
    check("a copy",
          cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, state.stream));
  }
  if (to_device.is_cpu()) synchronise(device);
}

void synchronise(int device) {
  require_no_capture("waiting for the device");
  DeviceState& state = state_of(device);
  FaultRecord found;
  check("the reading of the fault record",
        cudaMemcpyAsync(&found, &state.words->fault, sizeof(found),
                        cudaMemcpyDefault, state.stream));
  check("work on the device", cudaStreamSynchronize(state.stream));
  if (found.fault == 0) return;
  check("the clearing of memory",
        cudaMemsetAsync(&state.words->fault, 0, sizeof(found), state.stream));
  raise(found);
}

FaultRecord* fault_record(int device) { return &state_of(device).words->fault; }
std::uint64_t* random_shift(int device) {
  return &state_of(device).words->shift;
}
CUstream_st* stream(int device) { return state_of(device).stream; }

}  // namespace sigtape::cuda
