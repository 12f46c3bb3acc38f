// A block is a 64-byte header followed by its payload. Blocks fall in size
// classes, four to an octave. Small requests take a block of exactly their
// class; large ones the smallest free block that fits, so the shorter last
// batch of an epoch lives in what the full batches left. (If every request of
// one step has a block at least its size, taking the smallest that fits never
// takes away one that a later request needs.)
#include "sigtape/framework/allocator.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "sigtape/framework/check.h"
#include "sigtape/framework/shapes_only.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)0)
#endif

namespace sigtape {

namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t exact_fit_limit = 1024;
constexpr int classes = 4 * 58;

struct Header {
  Header* next;
  int size_class;
  std::size_t requested;
};
static_assert(sizeof(Header) <= alignment);

// Class c holds (4 + c % 4) / 4 * 2^(c / 4 + 6) bytes: 64, 80, 96, 112, 128...
std::size_t class_bytes(int c) {
  return (std::size_t{4} + c % 4) << (c / 4 + 4);
}

int class_of(std::size_t bytes) {
  if (bytes <= 64) return 0;
  const int octave = std::bit_width(bytes - 1) - 1;  // 2^octave < bytes
  const std::size_t quarter = ((bytes - 1) >> (octave - 2)) & 3;
  return (octave - 6) * 4 + static_cast<int>(quarter) + 1;
}

// A lock that is hardly ever waited for, in one locked instruction and a store:
// a step takes it some hundred times. Nobody wakes who waits, so nobody who
// gives it back need ask whether somebody does.
class Lock {
 public:
  void lock() {
    for (int tries = 0; taken_.exchange(true, std::memory_order_acquire);
         ++tries) {
      if (tries < 64) {
        std::this_thread::yield();
      } else {  // the thread that has it may be one that yields to this one
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
    }
  }
  void unlock() { taken_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> taken_{false};
};

struct Cache {
  Lock mutex;
  std::array<Header*, classes> free{};
  std::array<std::uint64_t, (classes + 63) / 64> nonempty{};
  CacheStatistics statistics;
  std::int64_t limit = 0;
  std::int64_t counted_only = 0;  // of the live bytes: those of cache_count

  void push(Header* block) {
    const int c = block->size_class;
    block->next = free[c];
    free[c] = block;
    nonempty[c / 64] |= std::uint64_t{1} << (c % 64);
    statistics.cached_bytes += class_bytes(c);
  }

  Header* pop(int c) {
    Header* block = free[c];
    free[c] = block->next;
    if (!free[c]) nonempty[c / 64] &= ~(std::uint64_t{1} << (c % 64));
    statistics.cached_bytes -= class_bytes(c);
    return block;
  }

  // The smallest class from c on that has a free block, or -1.
  int first_nonempty(int c) const {
    std::uint64_t word = nonempty[c / 64] & (~std::uint64_t{0} << (c % 64));
    for (std::size_t i = c / 64;;) {
      if (word) return static_cast<int>(i * 64) + std::countr_zero(word);
      if (++i == nonempty.size()) return -1;
      word = nonempty[i];
    }
  }

  Header* take(std::size_t bytes, int c) {
    const int found =
        bytes <= exact_fit_limit ? (free[c] ? c : -1) : first_nonempty(c);
    return found < 0 ? nullptr : pop(found);
  }
};

// Never destroyed: tensors of static storage duration may outlive any order.
Cache& cache() {
  static Cache* instance = new Cache;
  return *instance;
}

void* payload(Header* block) {
  return reinterpret_cast<std::byte*>(block) + alignment;
}

Header* new_block(std::size_t bytes, int c) {
  void* memory = std::aligned_alloc(
      alignment, alignment + (class_bytes(c) + 63) / 64 * 64);
  require<MemoryError>(memory, "out of memory: the system has no ", bytes,
                       " bytes for a tensor");
  Header* block = static_cast<Header*>(memory);
  block->size_class = c;
  return block;
}

// Bytes of a block that are counted and not there.
std::int64_t counted_only(const Header* block) {
  const std::size_t held = class_bytes(block->size_class);
  return block->requested > held
             ? static_cast<std::int64_t>(block->requested - held)
             : 0;
}

// A block of `held` bytes that counts as one of `bytes`.
void* allocate(Cache& pool, std::size_t held, std::size_t bytes) {
  const int c = class_of(held);
  Header* block = pool.take(held, c);
  CacheStatistics& s = pool.statistics;
  ++(block ? s.hits : s.misses);
  if (!block) block = new_block(held, c);
  block->requested = bytes;
  s.live_bytes += static_cast<std::int64_t>(bytes);
  pool.counted_only += counted_only(block);
  s.peak_bytes = std::max(s.peak_bytes, s.live_bytes);
  ASAN_UNPOISON_MEMORY_REGION(payload(block), held);
  return payload(block);
}

}  // namespace

void* cache_allocate(std::size_t bytes) {
  Cache& pool = cache();
  const std::lock_guard lock(pool.mutex);
  const std::int64_t in_use = pool.statistics.live_bytes - pool.counted_only;
  require<MemoryError>(
      bytes < (std::size_t{1} << 60) &&
          (!pool.limit || shapes_only() ||
           in_use + static_cast<std::int64_t>(bytes) <= pool.limit),
      "out of memory: ", bytes, " bytes more than the ", in_use,
      " in use would pass the limit of ", pool.limit, " bytes");
  return allocate(pool, bytes, bytes);
}

void* detail::cache_count(std::size_t bytes) {
  Cache& pool = cache();
  const std::lock_guard lock(pool.mutex);
  const CacheStatistics& s = pool.statistics;
  require<MemoryError>(
      bytes < (std::size_t{1} << 60) && s.live_bytes < (std::int64_t{1} << 61),
      "out of memory: ", bytes, " bytes and the ", s.live_bytes,
      " before are more than can be counted");
  void* block = allocate(pool, alignment, bytes);
  std::memset(block, 0, alignment);
  return block;
}

void cache_free(void* memory) {
  if (!memory) return;
  if (shapes_only()) detail::forget_block(memory);
  Header* block =
      reinterpret_cast<Header*>(static_cast<std::byte*>(memory) - alignment);
  Cache& pool = cache();
  const std::lock_guard lock(pool.mutex);
  pool.statistics.live_bytes -= static_cast<std::int64_t>(block->requested);
  pool.counted_only -= counted_only(block);
  ASAN_POISON_MEMORY_REGION(memory, class_bytes(block->size_class));
  pool.push(block);
}

CacheStatistics cache_statistics() {
  const std::lock_guard lock(cache().mutex);
  return cache().statistics;
}

void reset_cache_statistics() {
  const std::lock_guard lock(cache().mutex);
  CacheStatistics& s = cache().statistics;
  s.hits = s.misses = 0;
  s.peak_bytes = s.live_bytes;
}

void detail::set_peak_bytes(std::int64_t bytes) {
  const std::lock_guard lock(cache().mutex);
  CacheStatistics& s = cache().statistics;
  s.peak_bytes = std::max(bytes, s.live_bytes);
}

void empty_cache() {
  Cache& pool = cache();
  const std::lock_guard lock(pool.mutex);
  for (int c = 0; c < classes; ++c) {
    while (pool.free[c]) {
      Header* block = pool.pop(c);
      ASAN_UNPOISON_MEMORY_REGION(payload(block), class_bytes(c));
      std::free(block);
    }
  }
}

void set_memory_limit(std::int64_t bytes) {
  const std::lock_guard lock(cache().mutex);
  cache().limit = bytes;
}

std::int64_t memory_limit() {
  const std::lock_guard lock(cache().mutex);
  return cache().limit;
}

}  // namespace sigtape
