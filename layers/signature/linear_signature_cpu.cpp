// Points are read a tile at a time: mapped while they come from memory, then
// multiplied with the differences of what they were mapped to while they are in
// the nearest cache and the next tile is on its way there.
#include <algorithm>
#include <array>
#include <type_traits>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/node.h"
#include "sigtape/framework/ops/add_array.h"
#include "sigtape/framework/ops/linear_simd.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/layers/signature/linear_signature_kernels.h"

namespace sigtape::cpu {

namespace {

constexpr std::int64_t kMostOut = 16, kMostTile = 256;
constexpr std::int64_t kTileBytes = 10 << 10;   // of points
constexpr std::int64_t kTaskNumbers = 1 << 14;  // of points, at least
constexpr std::int64_t kMostTiles = 64;
constexpr std::int64_t kWordCost = 12;  // of a word, in such numbers
constexpr std::int64_t kMostSums = 16;  // tasks with sums of their own
constexpr std::int64_t kBackRuns = 8;   // whose factors are kept at a time

SIGTAPE_DEFINE_TABLE_OF(LinearKernels, linear)

// Points of a tile: about as many in each, in whole vectors of 16.
template <class T>
std::int64_t tile_of(const RowRuns<T>& x) {
  const auto fit = kTileBytes / static_cast<std::int64_t>(x.width * sizeof(T));
  const std::int64_t most = std::clamp<std::int64_t>(fit, 32, kMostTile);
  const std::int64_t tiles = divide_up(x.length, most);
  return divide_up(divide_up(x.length, tiles), 16) * 16;
}

// One run's products, on one thread.
template <class T>
class LoopProducts {
 public:
  LoopProducts(const LinearKernels<T>& table, const RowRuns<T>& x,
               std::int64_t out, const T* columns)
      : table_(table),
        x_(x),
        out_(out),
        step_(table.step(x.width)),
        tile_(tile_of(x)),
        columns_(columns) {}

  // `next` is the run that comes after.
  void write(const T* points, const T* next, T* moments) {
    points_ = points;
    std::fill_n(sums_, out_ * step_, T{0});
    if (x_.length <= tile_) {
      add_whole(next);
    } else {
      add_tiles(next);
    }
    for (std::int64_t o = 0; o < out_; ++o, moments += x_.width)
      std::copy_n(sums_ + o * step_, x_.width, moments);
    const T* last = row(x_.length - 1);
    for (std::int64_t c = 0; c < x_.width; ++c)
      moments[c] = last[c] - points[c];
  }

 private:
  const T* row(std::int64_t t) const { return points_ + t * x_.width; }

  // A run of one tile: the last point is mapped before the first one too, and
  // the first one behind the last.
  void add_whole(const T* next) {
    const std::int64_t count = x_.length;
    T *const mapped = mapped_ + out_, *const end = mapped + count * out_;
    table_.rows({count, x_.width, out_, points_, x_.end, columns_, nullptr,
                 mapped, next});
    std::copy_n(mapped, out_, end);
    std::copy_n(end - out_, out_, mapped_);
    table_.differences(count * out_, 2 * out_, mapped_);
    add_products(points_, count, mapped_, x_.end, next);
  }

  void add_tiles(const T* next) {
    for (std::int64_t first = 0; first < x_.length; first += tile_) {
      const std::int64_t count = std::min(tile_, x_.length - first);
      const T* after = first + count < x_.length ? row(first + count) : next;
      add_tile(first, count, after);
    }
    add_ends();
  }

  // Maps points first .. first + count - 1 behind the two before them, and adds
  // what has both neighbours now.
  void add_tile(std::int64_t first, std::int64_t count, const T* after) {
    T* const mapped = mapped_ + 2 * out_;
    table_.rows({count, x_.width, out_, row(first), x_.end, columns_, nullptr,
                 mapped, after});
    T last[2 * kMostOut];
    std::copy_n(mapped_ + count * out_, 2 * out_, last);
    if (first == 0) std::copy_n(mapped, 2 * out_, start_);
    // The first tile has no two points before it.
    const std::int64_t lacks = first == 0 ? 2 : 0;
    table_.differences((count - lacks) * out_, 2 * out_,
                       mapped_ + lacks * out_);
    add_products(row(first - 1 + lacks), count - lacks, mapped_ + lacks * out_,
                 x_.end, after);
    std::copy_n(last, 2 * out_, mapped_);
  }

  void add_products(const T* x, std::int64_t count, const T* differences,
                    const T* end, const T* near) {
    LinearProducts<T> p{count,       x_.width, out_,  x,    end,
                        differences, sums_,    step_, near, near};
    table_.products(p);
  }

  // The first point and the last, neighbours in the loop.
  void add_ends() {
    T points[2 * linear_most + 64], differences[2 * kMostOut];
    const T *first = start_, *second = start_ + out_;
    const T *before_last = mapped_, *last = mapped_ + out_;
    for (std::int64_t o = 0; o < out_; ++o) {
      differences[o] = second[o] - last[o];
      differences[out_ + o] = first[o] - before_last[o];
    }
    std::copy_n(row(0), x_.width, points);
    std::copy_n(row(x_.length - 1), x_.width, points + x_.width);
    add_products(points, 2, differences, std::end(points), points);
  }

  const LinearKernels<T>& table_;
  const RowRuns<T>& x_;
  const std::int64_t out_, step_, tile_;
  const T* const columns_;  // [width, out]
  const T* points_ = nullptr;
  T start_[2 * kMostOut];                      // the first two, mapped
  T mapped_[(kMostTile + 2) * kMostOut + 64];  // a tile and two before it
  T sums_[kMostOut * (linear_most + 64)];      // [out, step]
};

// Tasks of runs of so many numbers: one, or an even number.
std::int64_t tasks_of(std::int64_t runs, std::int64_t numbers,
                      std::int64_t most) {
  const std::int64_t tasks = std::min(runs * numbers / kTaskNumbers, most);
  return tasks < 2 ? 1 : tasks / 2 * 2;
}

template <class T>
std::array<T, linear_most * kMostOut> columns_of(const T* weight,
                                                 std::int64_t width,
                                                 std::int64_t out) {
  std::array<T, linear_most * kMostOut> columns;  // [width, out]
  for (std::int64_t o = 0; o < out; ++o)
    for (std::int64_t c = 0; c < width; ++c)
      columns[c * out + o] = weight[o * width + c];
  return columns;
}

// The signature of one run, of its mapped moments.
template <class T>
void write_words(std::int64_t out, const T* __restrict mapped,
                 T* __restrict signature) {
  const T *k = mapped, *s = k + out * out;
  T* words = std::copy_n(s, out, signature);
  for (std::int64_t i = 0; i < out; ++i) {
    const T of_i = s[i], *row = k + i * out, *column = k + i;
    for (std::int64_t j = 0; j < out; ++j, column += out)
      *words++ = of_i * s[j] / 2 + (*column - row[j]) / 4;
  }
}

// The factors of one run's moments.
template <class T>
void write_factors(std::int64_t out, const T* mapped, const T* dsignature,
                   T* factors) {
  const T* s = mapped + out * out;
  const T *level1 = dsignature, *level2 = level1 + out;
  T *rows = factors, *of_s = rows + out * out;
  std::copy_n(level1, out, of_s);
  for (std::int64_t i = 0; i < out; ++i) {
    rows[i * out + i] = 0;
    T sum = of_s[i] + level2[i * out + i] * s[i];
    for (std::int64_t j = i + 1; j < out; ++j) {
      const T g = level2[i * out + j], turned = level2[j * out + i];
      const T even = (g + turned) / 2, odd = (g - turned) / 2;
      rows[j * out + i] = odd;
      rows[i * out + j] = -odd;
      sum += even * s[j];
      of_s[j] += even * s[i];
    }
    of_s[i] = sum;
  }
}

}  // namespace

bool linear_signature2_fits(std::int64_t in, std::int64_t out) {
  return out >= 1 && out < kMostOut && in >= 1 && in <= linear_most;
}

template <class T>
void linear_signature2_forward(const RowRuns<T>& x, std::int64_t out,
                               const T* weight, T* moments, T* mapped,
                               T* signature) {
  const auto columns = columns_of(weight, x.width, out);
  const LinearKernels<T>& table = table_of<T>(active_isa());
  const std::int64_t rows = out + 1;
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    LoopProducts<T> loop(table, x, out, columns.data());
    for (std::int64_t i = begin; i < end; ++i)
      loop.write(x.run(i), x.run(std::min(i + 1, x.runs - 1)),
                 moments + i * rows * x.width);
    const T* const own = moments + begin * rows * x.width;
    table.rows({(end - begin) * rows, x.width, out, own,
                moments + end * rows * x.width, columns.data(), nullptr,
                mapped + begin * rows * out, own});
    for (std::int64_t i = begin; i < end; ++i)
      write_words(out, mapped + i * rows * out, signature + i * rows * out);
  };
  parallel_parts(x.runs, tasks_of(x.runs, x.length * x.width, kMostTiles), run);
}

template <class T>
void linear_signature2_backward(std::int64_t runs, std::int64_t width,
                                std::int64_t out, const T* moments,
                                const T* mapped, const T* dsignature,
                                T* dweight) {
  const LinearKernels<T>& table = table_of<T>(active_isa());
  const std::int64_t rows = out + 1, step = table.step(width);
  const std::int64_t sums = out * step;
  const std::int64_t tasks =
      tasks_of(runs, rows * (width + kWordCost * out), kMostSums);
  CacheVector<T> all(tasks * sums);  // [task, sums]
  const T* const moments_end = moments + runs * rows * width;
  parallel_for(tasks, [&](std::int64_t task) {
    T factors[kBackRuns * (kMostOut + 1) * kMostOut];
    const std::int64_t end = runs * (task + 1) / tasks;
    for (std::int64_t i = runs * task / tasks; i < end; i += kBackRuns) {
      const std::int64_t count = std::min(kBackRuns, end - i);
      for (std::int64_t j = 0; j < count; ++j) {
        const std::int64_t at = (i + j) * rows * out;
        write_factors(out, mapped + at, dsignature + at,
                      factors + j * rows * out);
      }
      const T* const own = moments + i * rows * width;
      table.products({count * rows, width, out, own, moments_end, factors,
                      all.data() + task * sums, step, own, own});
    }
  });
  for (std::int64_t task = 1; task < tasks; ++task)
    add_array(sums, all.data() + task * sums, all.data());
  for (std::int64_t o = 0; o < out; ++o)
    std::copy_n(all.data() + o * step, width, dweight + o * width);
}

#define SIGTAPE_INSTANTIATE(T)                                               \
  template void linear_signature2_forward(const RowRuns<T>&, std::int64_t,   \
                                          const T*, T*, T*, T*);             \
  template void linear_signature2_backward(std::int64_t, std::int64_t,       \
                                           std::int64_t, const T*, const T*, \
                                           const T*, T*);
SIGTAPE_INSTANTIATE(float)
SIGTAPE_INSTANTIATE(double)
#undef SIGTAPE_INSTANTIATE

}  // namespace sigtape::cpu
