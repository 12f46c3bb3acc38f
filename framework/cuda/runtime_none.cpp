// A build without CUDA: there is no device, and nothing else can be asked for.
#include "sigtape/framework/check.h"
#include "sigtape/framework/cuda/runtime.h"

namespace sigtape::cuda {

namespace {

[[noreturn]] void unavailable(int device) {
  fail<DeviceError>("device cuda:", device, ": ", no_device_reason());
}

}  // namespace

int device_count() { return 0; }
std::string no_device_reason() { return "this program is built without CUDA"; }
bool is_emulated() { return false; }
Block allocate(std::int64_t, int device) { unavailable(device); }
void release(const Block&, std::int64_t, int) noexcept {}
CacheStatistics cache_statistics(int) { return {}; }
void empty_cache(int) {}
Memory memory(int device) { unavailable(device); }
void copy(void*, Device to, const void*, Device from, std::int64_t) {
  unavailable(to.is_cpu() ? from.index : to.index);
}
void synchronise(int device) { unavailable(device); }
std::uint64_t* random_shift(int device) { unavailable(device); }
CUstream_st* stream(int device) { unavailable(device); }

}  // namespace sigtape::cuda
