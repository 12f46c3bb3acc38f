#pragma once

#include <cstddef>
#include <cstdint>

#include "sigtape/framework/device.h"
#include "sigtape/framework/ref.h"

namespace sigtape {

/// A block of device memory shared by the tensors that view it. Its version
/// counts the changes made in place, whichever view they came through.
class Storage : public RefCounted<Storage> {
 public:
  /// Uninitialised memory from the device's caching allocator. Throws
  /// MemoryError, or DeviceError for a device that is not there.
  Storage(std::int64_t bytes, Device device);
  ~Storage();

  void* data() const { return data_; }
  std::int64_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  std::uint32_t version() const { return version_; }
  void bump_version() { ++version_; }

 private:
  friend class RefCounted<Storage>;
  void* data_;
  int pool_ = 0;  // that device memory goes back to
  std::int64_t bytes_;
  Device device_;
  std::uint32_t version_ = 0;
};

}  // namespace sigtape
