#pragma once

#include <cstddef>
#include <cstdint>

namespace sigtape {

/// Counters of the caching allocator. A miss is a request that no cached
/// block could serve. Bytes are those requested by live allocations.
struct CacheStatistics {
  std::int64_t hits = 0;
  std::int64_t misses = 0;
  std::int64_t live_bytes = 0;
  std::int64_t peak_bytes = 0;
  std::int64_t cached_bytes = 0;
};

/// `bytes` of memory aligned to 64 bytes, uninitialised. Freed blocks are kept
/// by size and serve later requests, so a training step whose sizes repeat
/// asks the system for nothing. Thread-safe. Throws MemoryError, naming bytes
/// and limit, when the system or the limit has no more.
void* cache_allocate(std::size_t bytes);

/// Returns a block of cache_allocate to the cache. Null is ignored.
void cache_free(void* block);

/// The counters since the start or the last reset.
CacheStatistics cache_statistics();

/// Sets hits and misses to 0 and the peak to the live bytes.
void reset_cache_statistics();

/// Gives every cached block back to the system.
void empty_cache();

/// The largest number of live bytes that cache_allocate grants; 0: no limit.
void set_memory_limit(std::int64_t bytes);
std::int64_t memory_limit();

/// Standard allocator over the cache, for containers used in every step.
template <class T>
struct CacheAllocator {
  using value_type = T;
  CacheAllocator() = default;
  template <class U>
  CacheAllocator(const CacheAllocator<U>&) {}
  T* allocate(std::size_t n) {
    return static_cast<T*>(cache_allocate(n * sizeof(T)));
  }
  void deallocate(T* block, std::size_t) { cache_free(block); }
  bool operator==(const CacheAllocator&) const { return true; }
};

}  // namespace sigtape
