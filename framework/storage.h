#pragma once

#include <cstddef>
#include <cstdint>

#include "sigtape/framework/device.h"
#include "sigtape/framework/ref.h"

namespace sigtape {

class Storage;

/// Blocks of another storage, in main memory, that nobody has copied yet:
/// `count` of `bytes` each, the i-th `starts[i]` bytes after the source's
/// beginning. The source must not change any more.
struct RowSelection : RefCounted<RowSelection> {
  RowSelection(Ref<Storage> source, std::int64_t bytes, std::int64_t count);
  ~RowSelection();
  Ref<Storage> source;
  std::int64_t bytes;
  std::int64_t count;
  std::int64_t* starts;
};

/// A block of device memory shared by the tensors that view it. Its version
/// counts the changes made in place, whichever view they came through.
class Storage : public RefCounted<Storage> {
 public:
  /// Uninitialised memory from the device's caching allocator. Throws
  /// MemoryError, or DeviceError for a device that is not there.
  Storage(std::int64_t bytes, Device device);
  /// The selected blocks one after another: copied when somebody first asks
  /// for data(), which must not be two threads at once.
  explicit Storage(Ref<RowSelection> selection);
  ~Storage();

  void* data() const {
    if (!data_) copy_selection();
    return data_;
  }
  /// Where the selected blocks stand; null for ordinary memory, and from the
  /// first change in place on.
  const RowSelection* selection() const {
    return version_ == 0 && selection_ ? &*selection_ : nullptr;
  }
  std::int64_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  std::uint32_t version() const { return version_; }
  void bump_version() { ++version_; }

 private:
  friend class RefCounted<Storage>;
  void copy_selection() const;

  mutable void* data_ = nullptr;
  int pool_ = 0;  // that device memory goes back to
  Ref<RowSelection> selection_;
  std::int64_t bytes_;
  Device device_;
  std::uint32_t version_ = 0;
};

}  // namespace sigtape
