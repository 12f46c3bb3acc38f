#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace sigtape {

namespace detail {
struct ShapeCounts;
/// Of this thread; null where operations compute.
inline constinit thread_local ShapeCounts* shape_counts = nullptr;
/// A block of `layer` that counts as one of `bytes` and holds 64 only.
void* count_block(std::int64_t bytes, const char* layer);
/// Told of every block that is freed.
void forget_block(void* block);
/// A block of the caching allocator of 64 bytes that counts as one of `bytes`,
/// whatever the limit. Throws MemoryError where `bytes` cannot be counted.
void* cache_count(std::size_t bytes);
/// Sets the allocator's peak, to no less than the live bytes.
void set_peak_bytes(std::int64_t bytes);

/// As long as it lives, new storages of this thread are counted only.
class CountedStorages {
 public:
  explicit CountedStorages(bool counted);
  ~CountedStorages();
  CountedStorages(const CountedStorages&) = delete;
  static bool active();
};
/// The limit of this thread's ShapesOnly.
std::int64_t shape_limit();
/// What this thread's ShapesOnly keeps for `owner`; null at first.
std::shared_ptr<void>& kept_by_shapes(const void* owner);
}  // namespace detail

/// Whether the operations of this thread are made of shapes only.
inline bool shapes_only() { return detail::shape_counts != nullptr; }

/// What operations keep from one call to the next, which is memory too: `kept`,
/// and where there are shapes only one of their own that ends with them.
template <class T>
T& kept_or_of_shapes(T& kept) {
  if (!shapes_only()) return kept;
  std::shared_ptr<void>& own = detail::kept_by_shapes(&kept);
  if (!own) own = std::make_shared<T>();
  return *static_cast<T*>(own.get());
}

/// As long as it lives, the operations that this thread calls compute nothing:
/// floating tensors have shapes and no elements, int64 tensors are as ever.
/// Checks, the tape and the walk backwards run, and the caching allocator
/// counts every block as if it were there, whatever the memory limit: how much
/// memory a computation takes is found without taking it. On a GPU without
/// what its kernels take themselves. Elements of tensors made meanwhile must
/// not be read, and none of these may outlive this object. One at a time.
class ShapesOnly {
 public:
  /// With a limit, available_memory() is what it leaves, so that operations
  /// refuse what they would refuse under it; without one, more than there is.
  explicit ShapesOnly(std::int64_t limit = 0);
  ~ShapesOnly();
  ShapesOnly(const ShapesOnly&) = delete;
  ShapesOnly& operator=(const ShapesOnly&) = delete;

  /// The most bytes alive at once so far, beyond those before.
  std::int64_t peak_bytes() const;
  /// Bytes of floating tensors that each layer (LayerScope, "" for none) had
  /// made of those alive when most were.
  const std::map<std::string, std::int64_t>& layers_at_peak() const;

 private:
  std::unique_ptr<detail::ShapeCounts> counts_;
  std::int64_t live_before_;
  std::int64_t peak_before_;
};

}  // namespace sigtape
