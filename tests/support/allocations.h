#pragma once

#include <cstdint>

namespace sigtape::test {

/// Calls of operator new in this program, from all threads. A program that
/// uses this has a counting operator new in place of the standard one.
std::int64_t allocations();

/// Calls of operator new since this was made, on any thread.
class AllocationCounter {
 public:
  std::int64_t count() const { return allocations() - first_; }

 private:
  std::int64_t first_ = allocations();
};

}  // namespace sigtape::test
