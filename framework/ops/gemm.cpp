// How a matrix product is cut into tiles, and which kernel a tile gets.
//
// Everything here follows from sizes alone. A tile is a block of rows and
// columns of C with all of k, walked in blocks that leave A and B in cache.
// Rows are cut first, into an even number of tiles: what comes before and after
// a product works on the same rows, and each thread finds its own in its cache.
// Where C has few tiles and k is long, k is cut too: groups of pieces have
// partial sums of their own, which are added in order.
#include <algorithm>
#include <type_traits>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/node.h"
#include "sigtape/framework/ops/gemm_kernels.h"
#include "sigtape/framework/ops/gemm_onednn.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/simd/isa.h"

namespace sigtape {

namespace {

constexpr std::int64_t kColumns = 480;        // of a tile, at most
constexpr std::int64_t kRows = 96;            // of a tile, at least
constexpr std::int64_t kBlock = 1024;         // of k, at one time
constexpr std::int64_t kDotBlock = 512;       // the same for dot products
constexpr std::int64_t kTileWork = 1 << 20;   // multiply-adds of a tile
constexpr std::int64_t kSmallWork = 1 << 16;  // not worth another thread
constexpr std::int64_t kShared = 1 << 16;   // multiply-adds to cut for threads
constexpr std::int64_t kSharedSum = 128;    // k to cut
constexpr std::int64_t kShareRows = 48;     // of a tile cut for threads
constexpr std::int64_t kFewRows = 16;       // the same where n is below kWide
constexpr std::int64_t kWide = 32;          // columns that oneDNN may take
constexpr std::int64_t kShareColumns = 64;  // the same
constexpr std::int64_t kGroups = 16;        // partial sums, at most
constexpr std::int64_t kLongDot = 64;       // k from which dot products pay
constexpr std::int64_t kAdded = 1 << 11;    // partial sums, worth a thread
constexpr std::int64_t kLongSum = 4096;     // k to cut in spite of two tiles

SIGTAPE_DEFINE_TABLE_OF(GemmKernels, gemm)

// Measured by benchmarks/gemm_crossover.cpp, oneDNN 2.6 against our kernels on
// one core: B^T with many rows and columns runs at 70-85 GFMA/s against 50 with
// AVX-512. With AVX2, or B in rows, the two are within a tenth; for the few
// columns of this library's models, and for overlapping rows, ours are faster.
template <class T>
bool prefers_onednn(const Gemm<T>& g) {
  return active_isa() == Isa::avx512 && std::is_same_v<T, float> &&
         g.b_row == 1 && g.m >= 48 && g.n >= kWide && g.k >= kLongDot;
}

template <class T>
void start_with_bias(Gemm<T>& g) {
  for (std::int64_t i = 0; i < g.m; ++i) {
    for (std::int64_t j = 0; j < g.n; ++j) g.c[i * g.c_row + j] = g.bias[j];
  }
  g.bias = nullptr;
  g.accumulate = true;
}

// One tile, block by block along k.
template <class T>
void run_tile(Gemm<T> g) {
  if (g.bias) start_with_bias(g);
  const bool rows = g.b_col == 1, dots = g.a_col == 1 && g.b_row == 1;
  const GemmKernels<T>& table = table_of<T>(active_isa());
  const std::int64_t k = g.k;
  const std::int64_t most =
      !rows && dots && !prefers_onednn(g) ? kDotBlock : kBlock;
  const std::int64_t blocks = std::max<std::int64_t>(1, divide_up(k, most));
  const std::int64_t block = std::max<std::int64_t>(
      16, divide_up(divide_up(k, blocks), 16) * 16);  // none of a few
  for (std::int64_t l = 0; l == 0 || l < k; l += block) {
    g.k = std::min(block, k - l);
    if (prefers_onednn(g) && gemm_onednn(g)) {
      // done
    } else if (rows) {
      table.rows(g);
    } else if (dots) {
      table.dots(g);
    } else {
      gemm_reference(Cpu{}, g);
    }
    g.a += block * g.a_col;
    g.b += block * g.b_row;
    g.accumulate = true;
  }
}

struct Tiling {
  std::int64_t rows, columns, row_tiles, column_tiles;

  // Of an even number of tiles, each but the last of whole vectors.
  static std::int64_t even_columns(std::int64_t n, std::int64_t tiles) {
    return divide_up(divide_up(n, divide_up(tiles, 2) * 2), 16) * 16;
  }

  // Of a product in pieces of g.k, of `total` in all.
  template <class T>
  Tiling(const Gemm<T>& g, std::int64_t total) {
    const std::int64_t m = g.m, n = g.n, k = g.k;
    columns = n <= kColumns ? std::max<std::int64_t>(1, n)
                            : even_columns(n, divide_up(n, kColumns));
    const std::int64_t row_work =
        columns * std::max<std::int64_t>(1, std::min(k, kBlock));
    rows = divide_up(std::max(kRows, kTileWork / row_work), 24) * 24;
    const bool few = g.a_col == 1 && n < kWide;
    if (m <= 2 * rows) share(m, n, total, few ? kFewRows : kShareRows);
    row_tiles = divide_up(m, rows);
    column_tiles = divide_up(n, columns);
  }
  std::int64_t tiles() const { return row_tiles * column_tiles; }

  // All rows in one tile would keep the other threads waiting in a step of few
  // such products. Of few rows the columns are cut, but not where k can be: a
  // sum over the batch then reads what each thread has made itself.
  void share(std::int64_t m, std::int64_t n, std::int64_t k,
             std::int64_t least) {
    const std::int64_t work = m * n * k;
    if (work < kShared) return;
    const std::int64_t parts = work < 16 * kSmallWork ? 2 : 4;
    if (m >= 2 * least) {
      rows = std::min(rows, divide_up(m, std::min(parts, m / least) / 2 * 2));
    } else if (k < kSharedSum && n <= columns && n >= 2 * kShareColumns) {
      columns = even_columns(n, std::min(parts, n / kShareColumns) / 2 * 2);
    }
  }

  template <class T>
  Gemm<T> tile(Gemm<T> g, std::int64_t t) const {
    const std::int64_t i = t / column_tiles * rows;
    const std::int64_t j = t % column_tiles * columns;
    g.a += i * g.a_row;
    g.b += j * g.b_col;
    g.c += i * g.c_row + j;
    if (g.bias) g.bias += j;
    g.m = std::min(rows, g.m - i);
    g.n = std::min(columns, g.n - j);
    return g;
  }
};

// Partial sums of one of `count` products with a total of `k`.
std::int64_t groups_of(const Tiling& tiling, std::int64_t count,
                       std::int64_t work, std::int64_t k) {
  const bool cut = count > 1 || tiling.row_tiles > 1;
  if (work < kShared || (cut && k < kLongSum)) return 1;
  const std::int64_t by_length =
      k < 2 * kSharedSum ? k / (kSharedSum / 2) : k / kSharedSum;
  return std::max<std::int64_t>(
      1, std::min({kGroups / (count * tiling.tiles()), 2 * work / kSmallWork,
                   by_length}));
}

template <class T>
void zero(const Gemm<T>& g) {
  if (g.accumulate) return;
  for (std::int64_t i = 0; i < g.m; ++i) {
    for (std::int64_t j = 0; j < g.n; ++j) g.c[i * g.c_row + j] = 0;
  }
}

// Pieces first..last-1 into one tile.
template <class T>
void run_pieces(Gemm<T> tile, const GemmPieces& pieces, std::int64_t first,
                std::int64_t last) {
  if (first == last) return zero(tile);
  const T *a = tile.a, *b = tile.b;
  for (std::int64_t p = first; p < last; ++p) {
    tile.a = a + p * pieces.a_step;
    tile.b = b + p * pieces.b_step;
    if (p == pieces.count - 1) tile.k = pieces.last_k;
    run_tile(tile);
    tile.accumulate = true;
    tile.bias = nullptr;
  }
}

// C += the partial sums, one after another.
template <class T>
void add_partial_sums(const Gemm<T>& g, const T* sums, std::int64_t count) {
  const std::int64_t least = divide_up(kAdded, count * g.n + 1);
  even_ranges(g.m, least, [&](std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) {
      T* c = g.c + i * g.c_row;
      for (std::int64_t p = 0; p < count; ++p) {
        const T* sum = sums + (p * g.m + i) * g.n;
        for (std::int64_t j = 0; j < g.n; ++j) c[j] += sum[j];
      }
    }
  });
}

}  // namespace

template <class T>
void gemm_sum(Cpu, const Gemm<T>& g, const GemmPieces& pieces) {
  if (g.m == 0 || g.n == 0) return;
  const std::int64_t k = (pieces.count - 1) * g.k + pieces.last_k;
  const Tiling tiling(g, k);
  const std::int64_t tiles = tiling.tiles(), work = g.m * g.n * k;
  const std::int64_t groups = std::min(groups_of(tiling, 1, work, k),
                                       std::max<std::int64_t>(1, pieces.count));
  CacheVector<T> sums((groups - 1) * g.m * g.n);
  if (shapes_only()) return;
  const bool by_rows = tiling.row_tiles > 1;  // those of a thread, then
  const auto body = [&](std::int64_t task) {
    const std::int64_t group = by_rows ? task % groups : task / tiles;
    const std::int64_t at = by_rows ? task / groups : task % tiles;
    Gemm<T> whole = g;
    if (group > 0) {
      whole.c = sums.data() + (group - 1) * g.m * g.n;
      whole.c_row = g.n;
      whole.accumulate = false;
      whole.bias = nullptr;
    }
    run_pieces(tiling.tile(whole, at), pieces, group * pieces.count / groups,
               (group + 1) * pieces.count / groups);
  };
  if (work < kShared) {
    for (std::int64_t t = 0; t < tiles; ++t) body(t);
  } else {
    parallel_for(tiles * groups, body);
  }
  if (groups > 1) add_partial_sums(g, sums.data(), groups - 1);
}

template <class T>
void gemm(Cpu, const Gemm<T>& g, const Strided<3>& batch) {
  const std::int64_t length = batch.row_length(), count = batch.rows() * length;
  if (g.m == 0 || g.n == 0 || count == 0) return;
  const auto element = [&](std::int64_t i) {
    Gemm<T> one = g;
    const std::int64_t row = i / length, at = i % length;
    one.c += batch.offset(0, row) + at * batch.step(0);
    one.a += batch.offset(1, row) + at * batch.step(1);
    one.b += batch.offset(2, row) + at * batch.step(2);
    return one;
  };
  const Tiling tiling(g, g.k);
  const std::int64_t tiles = tiling.tiles(), work = g.m * g.n * g.k;
  const std::int64_t groups = groups_of(tiling, count, work, g.k);
  if (groups > 1) {
    const std::int64_t piece =
        std::min(kBlock, divide_up(divide_up(g.k, groups), 16) * 16);
    const std::int64_t pieces = divide_up(g.k, piece);
    for (std::int64_t i = 0; i < count; ++i) {
      Gemm<T> one = element(i);
      one.k = piece;
      gemm_sum(Cpu{}, one,
               {pieces, piece * g.a_col, piece * g.b_row,
                g.k - (pieces - 1) * piece});
    }
    return;
  }
  if (shapes_only()) return;
  const std::int64_t least = tiles > 1 ? kShared / 2 : kSmallWork;
  const std::int64_t grain = std::max<std::int64_t>(
      1, least * tiles / std::max<std::int64_t>(1, work));
  parallel_ranges(count * tiles, grain,
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t t = begin; t < end; ++t) {
                      run_tile(tiling.tile(element(t / tiles), t % tiles));
                    }
                  });
}

bool gemm_prefers_dots(Cpu, std::int64_t k) { return k >= kLongDot; }

#define INSTANTIATE(T)                                        \
  template void gemm(Cpu, const Gemm<T>&, const Strided<3>&); \
  template void gemm_sum(Cpu, const Gemm<T>&, const GemmPieces&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
