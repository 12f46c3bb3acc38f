// Runs of rows are cut into tiles, tiles into tasks; both follow from the
// shape. Each task has sums of the gradients of its own; the tasks' sums are
// added in order.
#include <algorithm>
#include <type_traits>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/node.h"
#include "sigtape/framework/ops/add_array.h"
#include "sigtape/framework/ops/linear_kernels.h"
#include "sigtape/framework/ops/linear_simd.h"
#include "sigtape/framework/parallel_backwards.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/simd/isa.h"

namespace sigtape {

namespace {

// Few numbers on many rows: matrix products would leave most of a vector
// empty.
constexpr std::int64_t kNarrow = 16;
constexpr std::int64_t kManyRows = 32;

constexpr std::int64_t kTile = 256;             // rows summed in registers
constexpr std::int64_t kNearBytes = 16 << 10;   // of rows asked for at a time
constexpr std::int64_t kTaskNumbers = 1 << 13;  // of x, at least
constexpr std::int64_t kMaxTasks = 16;

SIGTAPE_DEFINE_TABLE_OF(LinearKernels, linear)

// Rows `first`.. of `count`, neighbours of a run; `next` are those of the next
// tile, which the same thread takes as a rule.
template <class T>
struct Tile {
  const T *x, *next;
  std::int64_t first, count;

  // What is to come while this is worked on: all of a short tile that follows,
  // which may be a run from elsewhere; null for what is a little ahead.
  const T* near(std::int64_t width) const {
    const auto row = width * static_cast<std::int64_t>(sizeof(T));
    return count * row <= kNearBytes ? next : nullptr;
  }
};

// Runs one after another, each in tiles.
template <class T>
class Tiles {
 public:
  explicit Tiles(const RowRuns<T>& x)
      : x_(x), per_run_(divide_up(x.length, kTile)) {}

  std::int64_t count() const { return x_.runs * per_run_; }

  // Tile i, before tile `next`.
  Tile<T> operator()(std::int64_t i, std::int64_t next) const {
    const std::int64_t first = i % per_run_ * kTile;
    return {rows(i), rows(next), i / per_run_ * x_.length + first,
            std::min(kTile, x_.length - first)};
  }

  // Tile i of an order that ends with the first run; within one of several
  // runs rows ascend, as memory is best read.
  std::int64_t backwards(std::int64_t i) const {
    if (x_.runs == 1) return i;
    return i - i % per_run_ + per_run_ - 1 - i % per_run_;
  }

 private:
  const T* rows(std::int64_t i) const {
    return x_.run(i / per_run_) + i % per_run_ * kTile * x_.width;
  }

  const RowRuns<T>& x_;
  std::int64_t per_run_;
};

// Calls f(task, tile) for the tiles of each task.
template <class T, class F>
void for_tiles(const RowRuns<T>& x, std::int64_t tasks, const F& f) {
  const Tiles<T> tiles(x);
  parallel_for(tasks, [&](std::int64_t task) {
    const std::int64_t end = (task + 1) * tiles.count() / tasks;
    for (std::int64_t i = task * tiles.count() / tasks; i < end; ++i)
      f(task, tiles(i, std::min(i + 1, tiles.count() - 1)));
  });
}

// The same from the last run to the first.
template <class T, class F>
void for_tiles_backwards(const RowRuns<T>& x, std::int64_t tasks, const F& f) {
  const Tiles<T> tiles(x);
  parallel_for_backwards(tasks, [&](std::int64_t task) {
    const std::int64_t begin = task * tiles.count() / tasks;
    for (std::int64_t i = (task + 1) * tiles.count() / tasks; i-- > begin;)
      f(task, tiles(tiles.backwards(i),
                    tiles.backwards(std::max<std::int64_t>(i - 1, 0))));
  });
}

template <class T>
std::int64_t tasks_of(const RowRuns<T>& x) {
  const std::int64_t numbers = x.runs * x.length * x.width;
  std::int64_t tasks = 1;
  while (tasks < kMaxTasks && numbers >= 2 * tasks * kTaskNumbers) tasks *= 2;
  return tasks;
}

}  // namespace

bool linear_is_narrow(Cpu, std::int64_t rows, std::int64_t in,
                      std::int64_t out) {
  return rows >= kManyRows && out < kNarrow && in <= linear_most;
}

template <class T>
void linear_narrow(Cpu, const RowRuns<T>& x, std::int64_t out, const T* weight,
                   const T* bias, T* y) {
  CacheVector<T> columns(x.width * out);  // [width, out]
  if (shapes_only()) return;
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t c = 0; c < x.width; ++c) {
      columns[c * out + o] = weight[o * x.width + c];
    }
  }
  const LinearKernels<T>& table = table_of<T>(active_isa());
  for_tiles(x, tasks_of(x), [&](std::int64_t, const Tile<T>& t) {
    table.rows({t.count, x.width, out, t.x, x.end, columns.data(), bias,
                y + t.first * out, t.next, t.near(x.width)});
  });
}

template <class T>
void linear_narrow_gradients(Cpu, const RowRuns<T>& x, std::int64_t out,
                             const T* dy, T* dweight, T* dbias) {
  const LinearKernels<T>& table = table_of<T>(active_isa());
  const std::int64_t tasks = tasks_of(x), step = table.step(x.width);
  const std::int64_t sums = out * step;
  CacheVector<T> all(tasks * sums);  // [task, sums]
  if (shapes_only()) return;
  // Of rows that the map has just read the last are still in the cache.
  for_tiles_backwards(x, tasks, [&](std::int64_t task, const Tile<T>& t) {
    table.products({t.count, x.width, out, t.x, x.end, dy + t.first * out,
                    all.data() + task * sums, step, t.next, t.near(x.width)});
  });
  for (std::int64_t task = 1; task < tasks; ++task) {
    add_array(sums, all.data() + task * sums, all.data());
  }
  for (std::int64_t o = 0; o < out; ++o) {
    const T* row = all.data() + o * step;
    if (dweight) std::copy_n(row, x.width, dweight + o * x.width);
    if (dbias) dbias[o] = row[x.width];
  }
}

#define INSTANTIATE(T)                                                        \
  template void linear_narrow(Cpu, const RowRuns<T>&, std::int64_t, const T*, \
                              const T*, T*);                                  \
  template void linear_narrow_gradients(Cpu, const RowRuns<T>&, std::int64_t, \
                                        const T*, T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
