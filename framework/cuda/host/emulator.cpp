// The scheduler. Compiled without the thread sanitizer, and calls no template
// of the standard library that another unit might instantiate with it while
// threads of a block run.
#include "sigtape/framework/cuda/host/emulator.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "sigtape/framework/cuda/host/fiber.h"
#include "sigtape/framework/cuda/host/guard.h"
#include "sigtape/framework/cuda/host/injection.h"
#include "sigtape/framework/cuda/host/streams.h"

namespace sigtape::cuda_host {
namespace {

using State = Fiber::State;
constexpr unsigned kWarp = 32;

// Blocks take turns in two banks of fibers that share nothing the thread
// sanitizer would take for an order between them.
struct Bank {
  std::vector<std::unique_ptr<Fiber>> fibers;
  // Happens-before tags, each in two copies used in turn: a thread that still
  // leaves a barrier would else acquire what a faster one released on reaching
  // the next.
  char block_tag[2];
  unsigned block_generation;
  struct {
    char tag[kWarp][2];
    unsigned generation[kWarp];
  } warps[kMaxThreads / kWarp];  // by the first lane of the mask
};

Bank banks[2], *bank = &banks[0];
char start_tag, end_tag;

Fiber outside;  // the caller of run()
Fiber* current = &outside;
unsigned block_threads = 0, alive = 0, waiting = 0;
Where block_where;          // the barrier of the first that waits
Fiber* ready[kMaxThreads];  // the next to run is the last
unsigned ready_count = 0;
const std::function<void()>* job = nullptr;

Order order = order_from_environment();
std::uint64_t random_state = 1;
std::uint64_t launch_count = 0;

// Shared memory: new for every block, kept to the end of the launch.
std::vector<std::unique_ptr<std::byte[]>> buffers;
constexpr std::size_t kStaticLimit = 48 << 10, kRedZone = 64;
std::byte *dynamic_begin = nullptr, *static_begin = nullptr,
          *static_end = nullptr;
struct {
  const void* key;
  std::byte* array;
} statics[64];
int static_count = 0;
std::size_t dynamic_bytes = 0, static_bytes = 0;

std::byte* new_buffer(std::size_t bytes) {
  buffers.emplace_back(new std::byte[bytes]);
  return buffers.back().get();
}

// Not memset, whose interceptor would tell the thread sanitizer of it.
void fill_with_nans(volatile std::byte* begin, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) begin[i] = std::byte{0xff};
}

// Only where no thread of a block is under way.
void free_buffers() {
  acquire(&end_tag);
  buffers.clear();
}

bool same_place(const Where& a, const Where& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         std::strcmp(a.file_name(), b.file_name()) == 0;
}

// One line for each place where threads wait.
void print_waiting() {
  unsigned finished = 0;
  for (unsigned i = 0; i < block_threads; ++i) {
    const Fiber& fiber = *bank->fibers[i];
    finished += fiber.state == State::finished;
    const auto waits_like = [&](const Fiber& other) {
      return other.state != State::finished && other.state != State::running &&
             same_place(other.where, fiber.where);
    };
    if (!waits_like(fiber)) continue;
    unsigned count = 0, first = block_threads;
    for (unsigned k = 0; k < block_threads; ++k) {
      if (!waits_like(*bank->fibers[k])) continue;
      if (count++ == 0) first = k;
    }
    if (first == i) {
      std::fprintf(stderr, "  %u threads wait at %s:%u\n", count,
                   fiber.where.file_name(),
                   static_cast<unsigned>(fiber.where.line()));
    }
  }
  std::fprintf(stderr, "  %u threads have returned\n", finished);
}

[[noreturn, gnu::format(printf, 2, 3)]] void stop(Where where,
                                                  const char* format, ...) {
  std::fprintf(
      stderr, "%s:%u: block (%u,%u,%u) thread (%u,%u,%u): ", where.file_name(),
      static_cast<unsigned>(where.line()), block_index.x, block_index.y,
      block_index.z, thread_index.x, thread_index.y, thread_index.z);
  std::va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
  print_waiting();
  std::abort();
}

unsigned random_below(std::uint64_t n) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<unsigned>((random_state >> 32) * n >> 32);
}

void switch_to(Fiber& to) {
  Fiber& from = *current;
  if (&to == &from) return;
  current = &to;
  thread_index = to.thread;
  switch_fiber(from, to);
}

// Threads begin .. end - 1 whose lane is in `mask` go on.
void make_ready(unsigned begin, unsigned end, unsigned mask = ~0u) {
  for (unsigned k = begin; k < end; ++k) {
    const unsigned i = order == Order::reverse ? k : begin + end - 1 - k;
    Fiber& fiber = *bank->fibers[i];
    if (fiber.state == State::finished || !(mask >> fiber.lane & 1)) continue;
    fiber.state = State::running;
    ready[ready_count++] = &fiber;
  }
}

void release_block_if_all_wait() {
  if (alive == 0 || waiting < alive) return;
  waiting = 0;
  ++bank->block_generation;
  make_ready(0, block_threads);
}

unsigned warp_end(unsigned warp) {
  const unsigned end = (warp + 1) * kWarp;
  return end < block_threads ? end : block_threads;
}

// Lets the lanes that wait with this mask go on, if all of its lanes that have
// not returned are there.
void release_warp_if_all_wait(unsigned warp, unsigned mask) {
  const unsigned begin = warp * kWarp, end = warp_end(warp);
  unsigned met = 0;
  for (unsigned i = begin; i < end; ++i) {
    const Fiber& fiber = *bank->fibers[i];
    if (!(mask >> fiber.lane & 1) || fiber.state == State::finished) continue;
    if (fiber.state != State::at_warp_barrier) return;
    met |= 1u << fiber.lane;
  }
  if (met == 0) return;
  const Fiber* first = nullptr;
  for (unsigned i = begin; i < end; ++i) {
    Fiber& fiber = *bank->fibers[i];
    if (!(met >> fiber.lane & 1)) continue;
    if (first == nullptr) first = &fiber;
    if (!same_place(first->where, fiber.where))
      stop(fiber.where, "lanes of a warp wait at different places");
    if (fiber.mask != mask) {
      stop(fiber.where, "lanes of a warp wait with masks %08x and %08x", mask,
           fiber.mask);
    }
    fiber.met = met;
    fiber.taken = fiber.given;
  }
  ++bank->warps[warp].generation[__builtin_ctz(mask)];
  make_ready(begin, end, met);
}

void leave() {
  if (ready_count == 0) {
    if (alive > 0) stop(Where::current(), "deadlock");
    return switch_to(outside);
  }
  if (order == Order::random) {
    const unsigned i = random_below(ready_count);
    Fiber* chosen = ready[i];
    ready[i] = ready[ready_count - 1];
    ready[ready_count - 1] = chosen;
  }
  switch_to(*ready[--ready_count]);
}

// The life of every fiber: one thread after another.
void run_jobs() {
  for (;;) {
    acquire(&start_tag);
    (*job)();
    release(&end_tag);
    current->state = State::finished;
    --alive;
    release_block_if_all_wait();
    const unsigned warp = current->warp;
    for (unsigned i = warp * kWarp; i < warp_end(warp); ++i) {
      const Fiber& fiber = *bank->fibers[i];
      if (fiber.state == State::at_warp_barrier)
        release_warp_if_all_wait(warp, fiber.mask);
    }
    leave();
  }
}

void start_threads(Dim3 block) {
  while (bank->fibers.size() < block_threads) {
    bank->fibers.push_back(std::make_unique<Fiber>());
    prepare(*bank->fibers.back(), run_jobs);
  }
  for (unsigned i = 0; i < block_threads; ++i) {
    Fiber& fiber = *bank->fibers[i];
    fiber.state = State::running;
    fiber.thread = {i % block.x, i / block.x % block.y, i / block.x / block.y};
    fiber.warp = static_cast<int>(i / kWarp);
    fiber.lane = static_cast<int>(i % kWarp);
  }
}

void run_block(Dim3 block, std::size_t shared_bytes) {
  dynamic_begin = new_buffer(shared_bytes);
  fill_with_nans(dynamic_begin, shared_bytes);
  static_begin = new_buffer(kStaticLimit);
  static_end = static_begin + kStaticLimit;
  static_count = 0;
  dynamic_bytes = shared_bytes;
  static_bytes = 0;
  poison(static_begin, kStaticLimit);
  start_threads(block);
  alive = block_threads;
  waiting = 0;
  release(&start_tag);
  make_ready(0, block_threads);
  leave();
  unpoison(static_end - kStaticLimit, kStaticLimit);
}

void check_launch(Dim3 grid, Dim3 block, std::size_t shared_bytes) {
  if (current != &outside) stop(Where::current(), "a launch inside a kernel");
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  const bool fits = grid.x > 0 && grid.y > 0 && grid.z > 0 &&
                    grid.x <= 0x7fffffffu && grid.y <= 65535 &&
                    grid.z <= 65535 && threads > 0 && threads <= kMaxThreads &&
                    block.z <= 64 && shared_bytes <= kSharedLimit;
  if (!fits) {
    stop(Where::current(),
         "a launch that no GPU takes: (%u,%u,%u) blocks of (%u,%u,%u) threads "
         "with %zu bytes",
         grid.x, grid.y, grid.z, block.x, block.y, block.z, shared_bytes);
  }
}

// Block indices in the order in which they run.
std::vector<std::uint64_t> blocks_in_order(std::uint64_t count) {
  std::vector<std::uint64_t> blocks(count);
  for (std::uint64_t b = 0; b < count; ++b)
    blocks[b] = order == Order::reverse ? count - 1 - b : b;
  if (order != Order::random) return blocks;
  for (std::uint64_t b = count; b > 1; --b)
    std::swap(blocks[b - 1], blocks[random_below(b)]);
  return blocks;
}

}  // namespace

void set_order(Order to, unsigned seed) {
  order = to;
  random_state = seed + 1;
}

Order order_from_environment() {
  const char* name = std::getenv("SIGTAPE_CUDA_ORDER");
  if (!name || std::strcmp(name, "forward") == 0) return Order::forward;
  if (std::strcmp(name, "reverse") == 0) return Order::reverse;
  if (std::strcmp(name, "random") == 0) return Order::random;
  std::fprintf(stderr, "SIGTAPE_CUDA_ORDER: forward, reverse or random\n");
  std::abort();
}

std::uint64_t launches() { return launch_count; }

int current_lane() { return current->lane; }

unsigned lanes_met() { return current->met; }

void* dynamic_shared_memory() { return dynamic_begin; }

void* static_shared_memory(const void* key, std::size_t bytes) {
  for (int i = 0; i < static_count; ++i)
    if (statics[i].key == key) return statics[i].array;
  const auto room = static_cast<std::size_t>(static_end - static_begin);
  static_bytes += bytes;
  if (static_count == 64 || bytes + kRedZone + 16 > room ||
      dynamic_bytes + static_bytes > kSharedLimit) {
    stop(Where::current(), "too much shared memory");
  }
  std::byte* array = static_begin;
  static_begin += (bytes + kRedZone + 15) / 16 * 16;
  unpoison(array, bytes);
  fill_with_nans(array, bytes);
  statics[static_count++] = {key, array};
  return array;
}

void run(Dim3 grid, Dim3 block, std::size_t shared_bytes,
         const std::function<void()>& thread) {
  const DeviceWork device_work;
  finish(StreamName::device);
  static std::mutex one_at_a_time;
  const bool nested = current != &outside;
  std::unique_lock lock(one_at_a_time, std::defer_lock);
  if (!nested) lock.lock();
  check_launch(grid, block, shared_bytes);
  ++launch_count;
  if (loses_kernel()) return;
  adopt(outside);
  block_threads = block.x * block.y * block.z;
  job = &thread;
  grid_extent = grid;
  block_extent = block;
  for (const std::uint64_t b :
       blocks_in_order(std::uint64_t{grid.x} * grid.y * grid.z)) {
    block_index = {static_cast<unsigned>(b % grid.x),
                   static_cast<unsigned>(b / grid.x % grid.y),
                   static_cast<unsigned>(b / grid.x / grid.y)};
    bank = bank == &banks[0] ? &banks[1] : &banks[0];
    run_block(block, shared_bytes);
    if (buffers.size() >= 64) free_buffers();
  }
  free_buffers();
}

void block_barrier(Where where) {
  current->state = State::at_block_barrier;
  current->where = where;
  if (waiting == 0) block_where = where;
  if (!same_place(block_where, where))
    stop(where, "threads of a block wait at different barriers");
  char* tag = &bank->block_tag[bank->block_generation % 2];
  release(tag);
  ++waiting;
  release_block_if_all_wait();
  leave();
  acquire(tag);
}

void warp_barrier(unsigned mask, std::uint64_t value, bool orders_memory,
                  Where where) {
  Fiber& fiber = *current;
  if (!(mask >> fiber.lane & 1))
    stop(where, "lane %d is not in its own mask %08x", fiber.lane, mask);
  fiber.state = State::at_warp_barrier;
  fiber.where = where;
  fiber.mask = mask;
  fiber.given = value;
  auto& tags = bank->warps[fiber.warp];
  const int leader = __builtin_ctz(mask);
  char* tag = &tags.tag[leader][tags.generation[leader] % 2];
  if (orders_memory) release(tag);
  release_warp_if_all_wait(fiber.warp, mask);
  leave();
  if (orders_memory) acquire(tag);
}

std::uint64_t lane_value(int lane, Where where) {
  if (!(current->met >> lane & 1)) {
    stop(where, "lane %d reads lane %d, which is not there", current->lane,
         lane);
  }
  return bank->fibers[current->warp * kWarp + lane]->taken;
}

}  // namespace sigtape::cuda_host
