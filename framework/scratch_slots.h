#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <thread>

namespace sigtape::cpu {

/// Bytes of scratch memory rounded up to whole cache lines.
constexpr std::int64_t padded(std::int64_t bytes) {
  return (bytes + 63) / 64 * 64;
}

/// Which of `count` pieces of scratch memory, 63 at most, are in use. Work
/// takes the first free one: one thread always gets the same, which stays in
/// its cache.
class Slots {
 public:
  explicit Slots(std::int64_t count) : mask_((1ull << count) - 1) {}

  /// A free slot, after waiting for one.
  std::int64_t take() {
    for (;;) {
      std::uint64_t taken = taken_.load(std::memory_order_relaxed);
      const int slot = std::countr_one(taken);
      const std::uint64_t bit = 1ull << slot;
      if ((mask_ & bit) == 0) {
        std::this_thread::yield();
      } else if (taken_.compare_exchange_weak(taken, taken | bit,
                                              std::memory_order_acquire)) {
        return slot;
      }
    }
  }

  void give_back(std::int64_t slot) {
    taken_.fetch_and(~(1ull << slot), std::memory_order_release);
  }

 private:
  std::uint64_t mask_;
  std::atomic<std::uint64_t> taken_{0};
};

}  // namespace sigtape::cpu
