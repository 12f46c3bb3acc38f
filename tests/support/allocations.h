#pragma once

#include <cstdint>

namespace sigtape::test {

/// Calls of operator new in this program, from all threads. A program that
/// uses this has a counting operator new in place of the standard one.
std::int64_t allocations();

/// Calls of operator new for at least this many bytes: large ones.
constexpr std::int64_t large = 1024;
std::int64_t large_allocations();

/// From large call number `first` (1: the next one) on, `count` large calls of
/// operator new fail, on whatever thread. (0, 0): none.
void fail_large_allocations(std::int64_t first, std::int64_t count);

/// Calls of operator new since this was made, on any thread.
class AllocationCounter {
 public:
  std::int64_t count() const { return allocations() - first_; }

 private:
  std::int64_t first_ = allocations();
};

}  // namespace sigtape::test
