#include "sigtape/framework/parallel.h"

#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "sigtape/framework/check.h"

namespace sigtape {

namespace {

thread_local bool inside_parallel_for = false;

int usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return std::max(1u, std::thread::hardware_concurrency());
}

// Persistent workers. Worker w of T takes the tiles of the w-th of T equal
// shares; the caller is worker 0.
class Pool {
 public:
  explicit Pool(int threads) : threads_(threads) {
    for (int w = 1; w < threads; ++w) {
      workers_.emplace_back([this, w] { serve(w); });
    }
  }

  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    start_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  int threads() const { return threads_; }

  void run(std::int64_t tiles, detail::TileFunction function,
           const void* body) {
    const std::lock_guard one_at_a_time(run_mutex_);
    {
      const std::lock_guard lock(mutex_);
      tiles_ = tiles;
      function_ = function;
      body_ = body;
      error_ = nullptr;
      busy_ = threads_ - 1;
      ++round_;
    }
    start_.notify_all();
    work(0);
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  void serve(int worker) {
    for (std::uint64_t seen = 0;;) {
      {
        std::unique_lock lock(mutex_);
        start_.wait(lock, [&] { return stopping_ || round_ != seen; });
        if (stopping_) return;
        seen = round_;
      }
      work(worker);
      const std::lock_guard lock(mutex_);
      if (--busy_ == 0) done_.notify_one();
    }
  }

  void work(int worker) {
    inside_parallel_for = true;
    try {
      const std::int64_t end = tiles_ * (worker + 1) / threads_;
      for (std::int64_t t = tiles_ * worker / threads_; t < end; ++t) {
        function_(body_, t);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
    inside_parallel_for = false;
  }

  const int threads_;
  std::vector<std::thread> workers_;
  std::mutex run_mutex_, mutex_;
  std::condition_variable start_, done_;
  std::uint64_t round_ = 0;
  std::int64_t tiles_ = 0;
  detail::TileFunction function_ = nullptr;
  const void* body_ = nullptr;
  std::exception_ptr error_;
  int busy_ = 0;
  bool stopping_ = false;
};

struct PoolHolder {
  std::mutex mutex;
  std::unique_ptr<Pool> pool;
  std::atomic<int> threads{usable_cpus()};
};

PoolHolder& holder() {
  static PoolHolder instance;
  return instance;
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

void detail::run_tiles(std::int64_t tiles, TileFunction function,
                       const void* body) {
  if (tiles > 1 && num_threads() > 1 && !inside_parallel_for) {
    pool().run(tiles, function, body);
    return;
  }
  for (std::int64_t tile = 0; tile < tiles; ++tile) function(body, tile);
}

}  // namespace sigtape
