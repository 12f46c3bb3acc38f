#pragma once

#include <cstddef>
#include <cstdint>

#include "sigtape/framework/cuda/host/emulator.h"

namespace sigtape::cuda_host {

/// A flow of control with a stack of its own; one runs at a time. Compiled
/// without the thread sanitizer, which is told of the switches instead.
struct Fiber {
  enum class State { running, at_block_barrier, at_warp_barrier, finished };

  // Of the switch (fiber.cpp).
  void* context = nullptr;
  const void* stack = nullptr;  // as the address sanitizer knows it
  std::size_t stack_bytes = 0;
  void* fake_stack = nullptr;
  void* thread_sanitizer = nullptr;

  // Of the scheduler (emulator.cpp).
  Dim3 thread;
  int warp = 0, lane = 0;
  State state = State::finished;
  Where where;
  unsigned mask = 0, met = 0;  // of the warp barrier: lanes asked for and come
  std::uint64_t given = 0, taken = 0;  // values handed in, before and after
};

/// Gives `fiber` a stack, with a guard page below it, on which the first
/// switch starts `body`, which never returns.
void prepare(Fiber& fiber, void (*body)());

/// Lets `to` run in place of `from` until somebody switches back.
void switch_fiber(Fiber& from, Fiber& to);

/// Marks the calling flow of control as that of `fiber`, before its first
/// switch.
void adopt(Fiber& fiber);

/// To the thread sanitizer: what happened before `release` is seen after
/// `acquire` of the same tag.
void acquire(char* tag);
void release(char* tag);

/// To the address sanitizer: whether memory may be touched.
void poison(const void* begin, std::size_t bytes);
void unpoison(const void* begin, std::size_t bytes);

}  // namespace sigtape::cuda_host
