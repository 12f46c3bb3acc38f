// Work is cut into pieces of about 32768 elements: a piece is one `outer`, a
// range of `length` and a block of columns. Where `length` has several ranges,
// their results are combined in order at the end.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/ops/reduce_kernels.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/shapes_only.h"

namespace sigtape {

namespace {

constexpr std::int64_t grain = 1 << 15;
constexpr std::int64_t lanes = 8;
constexpr std::int64_t block = 256;

struct Sum {
  static constexpr double start = 0;
  static double combine(double x, double y) { return x + y; }
  static double map(double x) { return x; }
};

struct Max {
  static constexpr double start = -std::numeric_limits<double>::infinity();
  static double combine(double x, double y) { return y > x || y != y ? y : x; }
  static double map(double x) { return x; }
};

struct SumOfAbs : Sum {
  static double map(double x) { return std::abs(x); }
};

struct SumOfSquares : Sum {
  static double map(double x) { return x * x; }
};

struct SumOfPowers : Sum {
  double p;
  double map(double x) const { return std::pow(std::abs(x), p); }
};

// sum[j] op= a[l][j] for l < length, j < width; rows of a are `stride` apart.
template <class F, class In>
void add_rows(F f, double* sum, const In* a, std::int64_t length,
              std::int64_t width, std::int64_t stride) {
  for (std::int64_t l = 0; l < length; ++l, a += stride) {
    for (std::int64_t j = 0; j < width; ++j) {
      sum[j] = f.combine(sum[j], f.map(static_cast<double>(a[j])));
    }
  }
}

// The same for one column of neighbouring elements, in interleaved lanes.
template <class F, class In>
double reduce_column(F f, const In* a, std::int64_t length) {
  double sum[lanes];
  std::fill(sum, sum + lanes, f.start);
  const std::int64_t full = length / lanes;
  for (std::int64_t i = 0; i < full; ++i, a += lanes) {
    for (int j = 0; j < lanes; ++j) {
      sum[j] = f.combine(sum[j], f.map(static_cast<double>(a[j])));
    }
  }
  add_rows(f, sum, a, 1, length - full * lanes, 0);
  for (int half = lanes / 2; half > 0; half /= 2) {
    for (int j = 0; j < half; ++j) sum[j] = f.combine(sum[j], sum[j + half]);
  }
  return sum[0];
}

double finish(const Reducer& r, double sum) {
  sum *= r.scale;
  if (r.root == 1) return sum;
  return r.root == 0.5 ? std::sqrt(sum) : std::pow(sum, r.root);
}

// How `length` and `inner` are cut.
struct Pieces {
  explicit Pieces(const ReduceSizes& s)
      : columns(std::min(s.inner, block)),
        rows(std::clamp<std::int64_t>(grain / columns, 1,
                                      std::max<std::int64_t>(s.length, 1))),
        blocks(divide_up(s.inner, columns)),
        ranges(std::max<std::int64_t>(divide_up(s.length, rows), 1)) {}
  std::int64_t columns, rows, blocks, ranges;
};

// Calls store(o, range, column, value) for the reduced piece.
template <class F, class In, class Store>
void reduce_piece(F f, const ReduceSizes& s, const Pieces& p,
                  std::int64_t piece, const In* a, const Store& store) {
  const std::int64_t first = piece % p.blocks * p.columns;
  const std::int64_t range = piece / p.blocks % p.ranges;
  const std::int64_t o = piece / p.blocks / p.ranges;
  const std::int64_t l = range * p.rows;
  const std::int64_t length = std::min(p.rows, s.length - l);
  a += (o * s.length + l) * s.inner + first;
  if (s.inner == 1) return store(o, range, 0, reduce_column(f, a, length));
  double sum[block];
  const std::int64_t width = std::min(p.columns, s.inner - first);
  std::fill(sum, sum + width, f.start);
  add_rows(f, sum, a, length, width, s.inner);
  for (std::int64_t j = 0; j < width; ++j) store(o, range, first + j, sum[j]);
}

template <class F, class Out, class In>
void run(F f, const Reducer& reducer, const ReduceSizes& s, Out* out,
         const In* a) {
  const Pieces p(s);
  const std::int64_t count = s.outer * p.ranges * p.blocks;
  const std::int64_t size =
      std::max<std::int64_t>(std::min(p.rows, s.length) * p.columns, 1);
  const auto each = [&](const auto& store) {
    if (shapes_only()) return;
    parallel_ranges(count, std::max<std::int64_t>(grain / size, 1),
                    [&](std::int64_t begin, std::int64_t end) {
                      for (; begin < end; ++begin) {
                        reduce_piece(f, s, p, begin, a, store);
                      }
                    });
  };
  if (p.ranges == 1) {
    return each([&](std::int64_t o, std::int64_t, std::int64_t i, double sum) {
      out[o * s.inner + i] = static_cast<Out>(finish(reducer, sum));
    });
  }
  // (outer, ranges, inner)
  std::vector<double, CacheAllocator<double>> partial(s.outer * p.ranges *
                                                      s.inner);
  each([&](std::int64_t o, std::int64_t range, std::int64_t i, double sum) {
    partial[(o * p.ranges + range) * s.inner + i] = sum;
  });
  if (shapes_only()) return;
  for (std::int64_t o = 0; o < s.outer; ++o) {
    for (std::int64_t i = 0; i < s.inner; ++i) {
      const double* x = &partial[o * p.ranges * s.inner + i];
      double sum = f.start;
      for (std::int64_t r = 0; r < p.ranges; ++r) {
        sum = f.combine(sum, x[r * s.inner]);
      }
      out[o * s.inner + i] = static_cast<Out>(finish(reducer, sum));
    }
  }
}

}  // namespace

template <class Out, class In>
void reduce(Cpu, const Reducer& reducer, const ReduceSizes& sizes, Out* out,
            const In* a) {
  if (sizes.outer == 0 || sizes.inner == 0) return;
  switch (reducer.op) {
    case Reduce::sum:
      return run(Sum{}, reducer, sizes, out, a);
    case Reduce::max:
      return run(Max{}, reducer, sizes, out, a);
    case Reduce::power:
      if (reducer.p == 1) return run(SumOfAbs{}, reducer, sizes, out, a);
      if (reducer.p == 2) return run(SumOfSquares{}, reducer, sizes, out, a);
      return run(SumOfPowers{{}, reducer.p}, reducer, sizes, out, a);
  }
}

#define INSTANTIATE(Out, In)                                          \
  template void reduce(Cpu, const Reducer&, const ReduceSizes&, Out*, \
                       const In*);
INSTANTIATE(float, float)
INSTANTIATE(float, double)
INSTANTIATE(double, float)
INSTANTIATE(double, double)
#undef INSTANTIATE

}  // namespace sigtape
