#pragma once

#include <cstddef>

/// Memory of the emulated device that the host must not touch: to the address
/// sanitizer it is poisoned except while work of the device runs, so that a
/// program which reads or writes it from outside of kernels and copies ends
/// with a report, as it would end on a GPU. Without that sanitizer nothing
/// happens.
namespace sigtape::cuda_host {

void guard_block(void* block, std::size_t bytes);
/// Before the block is freed.
void unguard_block(void* block);

/// While any of these lives, the memory may be touched. One thread at a time.
struct DeviceWork {
  DeviceWork();
  ~DeviceWork();
  DeviceWork(const DeviceWork&) = delete;
  DeviceWork& operator=(const DeviceWork&) = delete;
};

}  // namespace sigtape::cuda_host
