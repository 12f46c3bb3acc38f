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

namespace sigtape::test {

inline void* counted(std::size_t bytes, std::size_t alignment) noexcept {
  ++operator_new_calls;
  const std::size_t rounded = (bytes + alignment) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded);
}

inline void* counted_or_throw(std::size_t bytes, std::size_t alignment) {
  if (void* block = counted(bytes, alignment)) return block;
  throw std::bad_alloc();
}

inline constexpr std::size_t plain = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

}  // namespace sigtape::test

// All forms: a sanitizer has its own of any that is missing here. They are not
// inlined, so that no warning pairs one's allocation with another's release.
#define SIGTAPE_NEW [[gnu::noinline]] void*
#define SIGTAPE_DELETE [[gnu::noinline]] void
using sigtape::test::counted;
using sigtape::test::counted_or_throw;

SIGTAPE_NEW operator new(std::size_t n) {
  return counted_or_throw(n, sigtape::test::plain);
}
SIGTAPE_NEW operator new[](std::size_t n) {
  return counted_or_throw(n, sigtape::test::plain);
}
SIGTAPE_NEW operator new(std::size_t n, const std::nothrow_t&) noexcept {
  return counted(n, sigtape::test::plain);
}
SIGTAPE_NEW operator new[](std::size_t n, const std::nothrow_t&) noexcept {
  return counted(n, sigtape::test::plain);
}
SIGTAPE_NEW operator new(std::size_t n, std::align_val_t a) {
  return counted_or_throw(n, static_cast<std::size_t>(a));
}
SIGTAPE_NEW operator new[](std::size_t n, std::align_val_t a) {
  return counted_or_throw(n, static_cast<std::size_t>(a));
}

SIGTAPE_DELETE operator delete(void* p) noexcept { std::free(p); }
SIGTAPE_DELETE operator delete[](void* p) noexcept { std::free(p); }
SIGTAPE_DELETE operator delete(void* p, std::size_t) noexcept { std::free(p); }
SIGTAPE_DELETE operator delete[](void* p, std::size_t) noexcept {
  std::free(p);
}
SIGTAPE_DELETE operator delete(void* p, const std::nothrow_t&) noexcept {
  std::free(p);
}
SIGTAPE_DELETE operator delete[](void* p, const std::nothrow_t&) noexcept {
  std::free(p);
}
SIGTAPE_DELETE operator delete(void* p, std::align_val_t) noexcept {
  std::free(p);
}
SIGTAPE_DELETE operator delete[](void* p, std::align_val_t) noexcept {
  std::free(p);
}
SIGTAPE_DELETE operator delete(void* p, std::size_t,
                               std::align_val_t) noexcept {
  std::free(p);
}
SIGTAPE_DELETE operator delete[](void* p, std::size_t,
                                 std::align_val_t) noexcept {
  std::free(p);
}
#undef SIGTAPE_NEW
#undef SIGTAPE_DELETE
