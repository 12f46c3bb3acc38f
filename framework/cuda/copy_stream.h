#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

/// Copies from main memory to a device beside its work: a second stream, in two
/// turns that are written and read one after the other (double buffering).
namespace sigtape::cuda {

/// Main memory that the device reads by itself. Throws MemoryError.
class PinnedMemory {
 public:
  PinnedMemory(std::int64_t bytes, int device);
  ~PinnedMemory();
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;
  std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
};

/// Copies of a turn (0 or 1) go between open and close:
///
///   open(t); copy(..); close(t);     the source may be overwritten after the
///                                    next open(t), which waits for that
///   await(t);                        work of the device's stream from here on
///                                    finds what was copied
///   (work that reads it)
///   release(t);                      copies of the next open(t) come after it
///
/// All throw DeviceError.
class CopyStream {
 public:
  explicit CopyStream(int device);
  /// Waits for its copies.
  ~CopyStream();
  CopyStream(const CopyStream&) = delete;
  CopyStream& operator=(const CopyStream&) = delete;

  void open(int turn);
  /// From pinned memory to the device.
  void copy(void* to, const void* from, std::int64_t bytes);
  void close(int turn);
  void await(int turn);
  void release(int turn);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sigtape::cuda
