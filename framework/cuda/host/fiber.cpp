#include "sigtape/framework/cuda/host/fiber.h"

#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdio>
#include <cstdlib>

// Weak: one source serves builds with and without sanitizers.
extern "C" {
[[gnu::weak]] void __sanitizer_start_switch_fiber(void**, const void*,
                                                  std::size_t);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void*, const void**,
                                                   std::size_t*);
[[gnu::weak]] void __asan_poison_memory_region(const volatile void*,
                                               std::size_t);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void*,
                                                 std::size_t);
[[gnu::weak]] void* __tsan_get_current_fiber();
[[gnu::weak]] void* __tsan_create_fiber(unsigned);
[[gnu::weak]] void __tsan_switch_to_fiber(void*, unsigned);
[[gnu::weak]] void __tsan_acquire(void*);
[[gnu::weak]] void __tsan_release(void*);
}

namespace sigtape::cuda_host {
namespace {

namespace context = boost::context::detail;

constexpr std::size_t kStackBytes = 256 << 10, kPage = 4096;
constexpr unsigned kNoSynchronisation = 1;  // of __tsan_switch_to_fiber

Fiber* arriving = nullptr;
void (*body_of_new)() = nullptr;

// The first thing that happens on a stack after a switch to it.
void arrive(context::transfer_t from) {
  auto& left = *static_cast<Fiber*>(from.data);
  left.context = from.fctx;
  if (__sanitizer_finish_switch_fiber) {
    __sanitizer_finish_switch_fiber(arriving->fake_stack, &left.stack,
                                    &left.stack_bytes);
  }
}

void start(context::transfer_t from) {
  arrive(from);
  body_of_new();
}

}  // namespace

void prepare(Fiber& fiber, void (*body)()) {
  void* memory = mmap(nullptr, kStackBytes + kPage, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("the stack of a fiber");
    std::abort();
  }
  mprotect(memory, kPage, PROT_NONE);
  char* stack = static_cast<char*>(memory) + kPage;
  fiber.stack = stack;
  fiber.stack_bytes = kStackBytes;
  fiber.context =
      context::make_fcontext(stack + kStackBytes, kStackBytes, start);
  body_of_new = body;
  if (__tsan_create_fiber) fiber.thread_sanitizer = __tsan_create_fiber(0);
}

void adopt(Fiber& fiber) {
  if (__tsan_get_current_fiber)
    fiber.thread_sanitizer = __tsan_get_current_fiber();
}

void switch_fiber(Fiber& from, Fiber& to) {
  arriving = &to;
  if (__sanitizer_start_switch_fiber) {
    __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.stack_bytes);
  }
  if (__tsan_switch_to_fiber)
    __tsan_switch_to_fiber(to.thread_sanitizer, kNoSynchronisation);
  arrive(context::jump_fcontext(to.context, &from));
}

void acquire(char* tag) {
  if (__tsan_acquire) __tsan_acquire(tag);
}

void release(char* tag) {
  if (__tsan_release) __tsan_release(tag);
}

void poison(const void* begin, std::size_t bytes) {
  if (__asan_poison_memory_region) __asan_poison_memory_region(begin, bytes);
}

void unpoison(const void* begin, std::size_t bytes) {
  if (__asan_unpoison_memory_region)
    __asan_unpoison_memory_region(begin, bytes);
}

}  // namespace sigtape::cuda_host
