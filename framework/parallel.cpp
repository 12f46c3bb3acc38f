#include "sigtape/framework/parallel.h"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "sigtape/framework/check.h"
#include "sigtape/framework/parallel_backwards.h"

namespace sigtape {

namespace {

thread_local bool inside_parallel_for = false;

int usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return std::max(1u, std::thread::hardware_concurrency());
}

// Lets the processor's other thread run while this one waits in a loop.
void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Persistent workers; the caller is worker 0. Worker w of T begins with the
// w-th of T equal shares of the tiles, then helps with what is left of the
// others': nobody waits for a worker that the system has not woken yet.
//
// Workers come and go through `gate_`, without a lock: the number of the round,
// whether it takes workers, and how many are inside. Who finds nothing to do
// for a while sleeps; both sides of "I sleep now" and "there is something" say
// so before they look whether the other has.
class Pool {
 public:
  explicit Pool(int threads)
      : threads_(threads),
        spins_(threads <= usable_cpus()),
        shares_(std::make_unique<Share[]>(threads)) {
    workers_.reserve(static_cast<std::size_t>(threads));
    try {
      for (int w = 1; w < threads; ++w)
        workers_.emplace_back([this, w] { serve(w); });
    } catch (const std::exception&) {
      // No memory for more threads: those there are do the others' shares.
    }
    wait_until_started();
  }

  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    start_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  void run(std::int64_t tiles, detail::TileFunction function, const void* body,
           bool backwards) {
    const std::lock_guard one_at_a_time(run_mutex_);
    tiles_ = tiles;
    function_ = function;
    body_ = body;
    backwards_ = backwards;
    for (int w = 0; w < threads_; ++w) {
      shares_[w].next.store(share_begin(w), std::memory_order_relaxed);
    }
    gate_ = ++rounds_ * kRound + kOpen;
    if (sleeping_ > 0) {
      { const std::lock_guard lock(mutex_); }  // who is about to sleep does
      start_.notify_all();
    }
    work(0);
    finish();
  }

 private:
  struct alignas(64) Share {
    std::atomic<std::int64_t> next{0};
  };

  // Parts of the gate: workers inside, but for the caller; open; the round.
  static constexpr std::uint64_t kInside = (1 << 16) - 1, kOpen = 1 << 16;
  static constexpr std::uint64_t kRound = 1 << 17;

  std::int64_t share_begin(int worker) const {
    return tiles_ * worker / threads_;
  }
  std::uint64_t round() const { return gate_ / kRound; }
  bool empty() const { return (gate_ & kInside) == 0; }

  // A thread that is still being made may hold locks of the system, which a
  // process that is forked in that moment would find taken for ever.
  void wait_until_started() const {
    const auto all = static_cast<int>(workers_.size());
    for (int now = started_; now < all; now = started_) started_.wait(now);
  }

  // All tiles are taken: nobody joins any more, and who works ends.
  void finish() {
    gate_ &= ~kOpen;
    spin_while([this] { return !empty(); });
    if (!empty()) {
      std::unique_lock lock(mutex_);
      waiting_ = true;
      done_.wait(lock, [this] { return empty(); });
      waiting_ = false;
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  // Waking a sleeper takes longer than the pause between two operations.
  template <class Condition>
  void spin_while(const Condition& condition) const {
    using Clock = std::chrono::steady_clock;
    if (!spins_ || !condition()) return;
    const Clock::time_point end = Clock::now() + std::chrono::microseconds(200);
    do {
      for (int i = 0; i < 16 && condition(); ++i) pause();
    } while (condition() && Clock::now() < end);
  }

  void serve(int worker) {
    ++started_;
    started_.notify_one();
    for (std::uint64_t seen = 0;;) {
      const auto idle = [&] { return round() == seen && !stopping_; };
      spin_while(idle);
      if (idle()) {
        std::unique_lock lock(mutex_);
        ++sleeping_;
        start_.wait(lock, [&] { return !idle(); });
        --sleeping_;
      }
      if (stopping_) return;
      std::uint64_t gate = gate_;
      seen = gate / kRound;
      while ((gate & kOpen) && !gate_.compare_exchange_weak(gate, gate + 1)) {
        seen = gate / kRound;
      }
      if (!(gate & kOpen)) continue;
      work(worker);
      if ((--gate_ & (kInside | kOpen)) == 0 && waiting_) {
        const std::lock_guard lock(mutex_);
        done_.notify_one();
      }
    }
  }

  void work(int worker) {
    inside_parallel_for = true;
    try {
      for (int i = 0; i < threads_; ++i) work_share((worker + i) % threads_);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
    inside_parallel_for = false;
  }

  void work_share(int owner) {
    const std::int64_t begin = share_begin(owner);
    const std::int64_t end = share_begin(owner + 1);
    std::atomic<std::int64_t>& next = shares_[owner].next;
    while (next < end) {
      const std::int64_t tile = next++;
      if (tile >= end) return;
      function_(body_, backwards_ ? begin + end - 1 - tile : tile);
    }
  }

  const int threads_;
  const bool spins_;
  const std::unique_ptr<Share[]> shares_;
  std::vector<std::thread> workers_;
  std::mutex run_mutex_, mutex_;
  std::condition_variable start_, done_;
  std::exception_ptr error_;
  std::atomic<int> started_{0};
  std::uint64_t rounds_ = 0;
  // Hardly ever written: who looks finds them in the cache.
  alignas(64) std::atomic<int> sleeping_{0};
  std::atomic<bool> waiting_{false}, stopping_{false};
  // What a worker that joins reads, all of one line.
  alignas(64) std::atomic<std::uint64_t> gate_{0};
  std::int64_t tiles_ = 0;
  detail::TileFunction function_ = nullptr;
  const void* body_ = nullptr;
  bool backwards_ = false;
};

struct PoolHolder {
  PoolHolder();
  std::mutex mutex;
  std::unique_ptr<Pool> pool;
  std::atomic<int> threads{usable_cpus()};
};

PoolHolder& holder() {
  static PoolHolder instance;
  return instance;
}

// The threads of a pool do not come along into a forked process: it makes a
// pool of its own, and leaves this one alone, whose threads nobody can join.
PoolHolder::PoolHolder() {
  ::pthread_atfork([] { holder().mutex.lock(); },
                   [] { holder().mutex.unlock(); },
                   [] {
                     static_cast<void>(holder().pool.release());
                     holder().mutex.unlock();
                   });
}

Pool& pool() {
  PoolHolder& h = holder();
  const std::lock_guard lock(h.mutex);
  if (!h.pool) h.pool = std::make_unique<Pool>(h.threads);
  return *h.pool;
}

}  // namespace

int num_threads() { return holder().threads; }

void set_num_threads(int threads) {
  require(threads >= 1, "threads: expected at least 1, got ", threads);
  PoolHolder& h = holder();
  const std::lock_guard lock(h.mutex);
  if (h.threads == threads) return;
  h.pool.reset();
  h.threads = threads;
}

namespace {

void run_in_order(std::int64_t tiles, detail::TileFunction function,
                  const void* body, bool backwards) {
  if (tiles > 1 && num_threads() > 1 && !inside_parallel_for) {
    pool().run(tiles, function, body, backwards);
    return;
  }
  for (std::int64_t tile = 0; tile < tiles; ++tile)
    function(body, backwards ? tiles - 1 - tile : tile);
}

}  // namespace

void detail::run_tiles(std::int64_t tiles, TileFunction function,
                       const void* body) {
  run_in_order(tiles, function, body, false);
}

void detail::run_tiles_backwards(std::int64_t tiles, TileFunction function,
                                 const void* body) {
  run_in_order(tiles, function, body, true);
}

}  // namespace sigtape
