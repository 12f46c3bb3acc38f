#include "support/allocations.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::int64_t> calls = 0, large_calls = 0;
// The large calls that fail: from the first one to before the second.
std::atomic<std::int64_t> failing_from = 0, failing_to = 0;

bool is_to_fail(std::size_t bytes) {
  if (bytes < static_cast<std::size_t>(sigtape::test::large)) return false;
  const std::int64_t call = ++large_calls;
  return call >= failing_from && call < failing_to;
}

constexpr std::size_t plain = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

void* counted(std::size_t bytes, std::size_t alignment) noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
  if (is_to_fail(bytes)) return nullptr;
  const std::size_t rounded = (bytes + alignment) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded);
}

void* counted_or_throw(std::size_t bytes, std::size_t alignment) {
  if (void* block = counted(bytes, alignment)) return block;
  throw std::bad_alloc();
}

}  // namespace

namespace sigtape::test {

std::int64_t allocations() { return calls.load(); }

std::int64_t large_allocations() { return large_calls.load(); }

void fail_large_allocations(std::int64_t first, std::int64_t count) {
  failing_to = 0;
  failing_from = large_calls + first;
  failing_to = count > 0 ? failing_from + count : 0;
}

}  // namespace sigtape::test

// All forms: a sanitizer has its own of any that is missing here. They are not
// inlined, so that no warning pairs one's allocation with another's release.
#define SIGTAPE_NEW [[gnu::noinline]] void*
#define SIGTAPE_DELETE [[gnu::noinline]] void

SIGTAPE_NEW operator new(std::size_t n) { return counted_or_throw(n, plain); }
SIGTAPE_NEW operator new[](std::size_t n) { return counted_or_throw(n, plain); }
SIGTAPE_NEW operator new(std::size_t n, const std::nothrow_t&) noexcept {
  return counted(n, plain);
}
SIGTAPE_NEW operator new[](std::size_t n, const std::nothrow_t&) noexcept {
  return counted(n, plain);
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
