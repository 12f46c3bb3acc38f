#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

/// Replaces operator new of the program by one that counts its calls. To be
/// included by one source file of a test program only.
namespace sigtape::test {

inline std::atomic<std::int64_t> operator_new_calls{0};

/// Calls of operator new since this was made, on any thread.
class AllocationCounter {
 public:
  std::int64_t count() const { return operator_new_calls - first_; }

 private:
  std::int64_t first_ = operator_new_calls;
};

}  // namespace sigtape::test

// The array and nothrow forms call these. They are not inlined, so that no
// warning pairs one's malloc with the other's free.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++sigtape::test::operator_new_calls;
  if (void* block = std::malloc(bytes ? bytes : 1)) return block;
  throw std::bad_alloc();
}

[[gnu::noinline]] void* operator new(std::size_t bytes,
                                     std::align_val_t alignment) {
  ++sigtape::test::operator_new_calls;
  const auto align = static_cast<std::size_t>(alignment);
  const std::size_t rounded = (bytes + align - 1) / align * align;
  if (void* block = std::aligned_alloc(align, rounded)) return block;
  throw std::bad_alloc();
}

[[gnu::noinline]] void operator delete(void* block) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::align_val_t) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t,
                                       std::align_val_t) noexcept {
  std::free(block);
}
