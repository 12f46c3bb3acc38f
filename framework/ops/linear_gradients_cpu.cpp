// Rows are cut into an even number of tasks, by the shape alone. A task makes
// its rows of dx and its part of the sums, which are added in order: one start
// of the other threads for three gradients, and each reads and writes the rows
// that it has in its cache.
#include <algorithm>
#include <type_traits>

#include "sigtape/framework/node.h"
#include "sigtape/framework/ops/add_array.h"
#include "sigtape/framework/ops/gemm_simd.h"
#include "sigtape/framework/ops/linear_kernels.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/simd/isa.h"

namespace sigtape {

namespace {

constexpr std::int64_t kMostRows = 1 << 10;
constexpr std::int64_t kMostWeights = 1 << 13;  // added up by one thread
constexpr std::int64_t kSharedWork = 1 << 16;   // multiply-adds: two tasks
constexpr std::int64_t kMuchWork = 1 << 21;     // four

SIGTAPE_DEFINE_TABLE_OF(GemmKernels, gemm)

std::int64_t tasks_of(std::int64_t rows, std::int64_t in, std::int64_t out) {
  const std::int64_t work = 2 * rows * in * out;
  if (work < kSharedWork || rows < 16) return 1;
  return work < kMuchWork || rows < 32 ? 2 : 4;
}

// dbias [out] = the sum of the rows of dy [rows, out].
template <class T>
void sum_rows(std::int64_t rows, std::int64_t out, const T* dy, T* dbias) {
  std::fill_n(dbias, out, T{0});
  for (std::int64_t r = 0; r < rows; ++r) add_array(out, dy + r * out, dbias);
}

}  // namespace

bool linear_gradients_fit(Cpu, std::int64_t rows, std::int64_t in,
                          std::int64_t out) {
  return rows <= kMostRows && in * out <= kMostWeights;
}

template <class T>
void linear_gradients(Cpu, const LinearGradients<T>& g) {
  const GemmKernels<T>& table = table_of<T>(active_isa());
  const std::int64_t in = g.in, out = g.out, weights = in * out;
  const std::int64_t tasks = tasks_of(g.rows, in, out);
  const std::int64_t sums = weights + out;
  CacheVector<T> parts((tasks - 1) * sums);  // of all tasks but the first
  if (shapes_only()) return;
  parallel_for(tasks, [&](std::int64_t task) {
    const std::int64_t first = g.rows * task / tasks;
    const std::int64_t rows = g.rows * (task + 1) / tasks - first;
    const T *x = g.x + first * in, *dy = g.dy + first * out;
    T* const part = task ? parts.data() + (task - 1) * sums : nullptr;
    T* const dweight = task ? part : g.dweight;
    table.rows({.m = rows,
                .n = in,
                .k = out,
                .a = dy,
                .a_row = out,
                .b = g.weight,
                .b_row = in,
                .c = g.dx + first * in,
                .c_row = in});
    table.rows({.m = out,
                .n = in,
                .k = rows,
                .a = dy,
                .a_row = 1,
                .a_col = out,
                .b = x,
                .b_row = in,
                .c = dweight,
                .c_row = in});
    if (g.dbias) sum_rows(rows, out, dy, task ? part + weights : g.dbias);
  });
  for (std::int64_t task = 1; task < tasks; ++task) {
    const T* const part = parts.data() + (task - 1) * sums;
    add_array(weights, part, g.dweight);
    if (g.dbias) add_array(out, part + weights, g.dbias);
  }
}

template void linear_gradients(Cpu, const LinearGradients<float>&);
template void linear_gradients(Cpu, const LinearGradients<double>&);

}  // namespace sigtape
