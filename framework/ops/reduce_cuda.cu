// An output element belongs to one block, or to one thread of a column of
// threads, whichever reads neighbouring elements together; to one thread where
// there is little to reduce. Where the reduced
// axis is long it is cut into ranges, whose results are reduced in turn. All
// of this follows from the sizes, so the order of additions does too.
#include <cmath>

#include "sigtape/framework/cuda/collect_cuda.h"
#include "sigtape/framework/cuda/scratch.h"
#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/ops/reduce_kernels.h"

namespace sigtape {

namespace {

constexpr int threads = 128;
constexpr std::int64_t short_length = 16;  // for a single thread
constexpr int tile_columns = 32, tile_rows = threads / tile_columns;

// What is done with elements, and with their sum where it is the last.
struct Rule {
  Reduce op;
  double p, scale, root;
  bool last;

  __device__ double start() const { return op == Reduce::max ? -INFINITY : 0; }
  __device__ double operator()(double x, double y) const {
    return op == Reduce::max ? cuda::Larger()(x, y) : x + y;
  }
  __device__ double map(double x) const {
    if (op != Reduce::power) return x;
    const double size = std::abs(x);
    return p == 1 ? size : p == 2 ? size * size : std::pow(size, p);
  }
  __device__ double finish(double sum) const {
    if (!last) return sum;
    sum *= scale;
    if (root == 1) return sum;
    return root == 0.5 ? std::sqrt(sum) : std::pow(sum, root);
  }
};

struct Cut {
  std::int64_t outer, length, inner;
  std::int64_t ranges, range;  // `ranges` of `range` each cover length
};

// out [outer, ranges, inner] of a [outer, length, inner]; a block an output.
template <class Out, class In>
__global__ void rows_kernel(const Rule rule, const Cut s, Out* out,
                            const In* a) {
  const std::int64_t count = s.outer * s.ranges * s.inner;
  for (std::int64_t q = blockIdx.x; q < count; q += gridDim.x) {
    const std::int64_t i = q % s.inner, piece = q / s.inner;
    const std::int64_t o = piece / s.ranges, first = piece % s.ranges * s.range;
    const std::int64_t end =
        first + s.range < s.length ? first + s.range : s.length;
    double sum = rule.start();
    for (std::int64_t l = first + threadIdx.x; l < end; l += threads) {
      const In x = a[(o * s.length + l) * s.inner + i];
      sum = rule(sum, rule.map(static_cast<double>(x)));
    }
    sum = cuda::collect_block<threads>(sum, rule);
    if (threadIdx.x == 0) out[q] = static_cast<Out>(rule.finish(sum));
  }
}

// The same with 32 neighbouring columns to a block, 4 rows at a time.
template <class Out, class In>
__global__ void columns_kernel(const Rule rule, const Cut s, Out* out,
                               const In* a) {
  struct ColumnSums;
  using Sums = double[tile_rows][tile_columns];
  Sums& sums = cuda::static_shared<ColumnSums, Sums>();
  const int column = threadIdx.x % tile_columns;
  const int row = threadIdx.x / tile_columns;
  const std::int64_t blocks = divide_up(s.inner, tile_columns);
  const std::int64_t count = s.outer * s.ranges * blocks;
  for (std::int64_t q = blockIdx.x; q < count; q += gridDim.x) {
    const std::int64_t i = q % blocks * tile_columns + column;
    const std::int64_t piece = q / blocks;
    const std::int64_t o = piece / s.ranges, first = piece % s.ranges * s.range;
    const std::int64_t end =
        first + s.range < s.length ? first + s.range : s.length;
    double sum = rule.start();
    for (std::int64_t l = first + row; i < s.inner && l < end; l += tile_rows) {
      const In x = a[(o * s.length + l) * s.inner + i];
      sum = rule(sum, rule.map(static_cast<double>(x)));
    }
    __syncthreads();  // the sums of the tile before have been read
    sums[row][column] = sum;
    __syncthreads();
    if (row != 0 || i >= s.inner) continue;
    for (int r = 1; r < tile_rows; ++r) sum = rule(sum, sums[r][column]);
    out[piece * s.inner + i] = static_cast<Out>(rule.finish(sum));
  }
}

// The same by one thread, for a single range.
template <class Out, class In>
struct ReduceShort {
  Rule rule;
  Cut s;
  Out* out;
  const In* a;
  __device__ void operator()(std::int64_t q) const {
    const In* x = a + (q / s.inner * s.length) * s.inner + q % s.inner;
    double sum = rule.start();
    for (std::int64_t l = 0; l < s.length; ++l) {
      sum = rule(sum, rule.map(static_cast<double>(x[l * s.inner])));
    }
    out[q] = static_cast<Out>(rule.finish(sum));
  }
};

template <class Out, class In>
void run(Cuda device, const Rule& rule, const Cut& s, Out* out, const In* a) {
  const std::int64_t outputs = s.outer * s.ranges;
  if (s.length <= short_length) {
    return cuda::for_each(device, outputs * s.inner,
                          ReduceShort<Out, In>{rule, s, out, a});
  }
  if (s.inner >= tile_columns / 2) {
    const std::int64_t blocks = divide_up(s.inner, tile_columns);
    return cuda::launch(columns_kernel<Out, In>,
                        cuda::blocks_for(outputs * blocks, 1), threads, 0,
                        cuda::stream(device), rule, s, out, a);
  }
  cuda::launch(rows_kernel<Out, In>, cuda::blocks_for(outputs * s.inner, 1),
               threads, 0, cuda::stream(device), rule, s, out, a);
}

// Ranges of the reduced axis: enough blocks for a GPU, and enough for a block
// to do.
std::int64_t ranges_of(const ReduceSizes& s) {
  constexpr std::int64_t wanted_blocks = 256, least = 1024;
  const bool columns = s.inner >= tile_columns / 2;
  const std::int64_t blocks =
      s.outer * (columns ? divide_up(s.inner, tile_columns) : s.inner);
  const std::int64_t by_blocks = divide_up(wanted_blocks, blocks);
  const std::int64_t by_length = s.length / (columns ? least / 4 : least);
  const std::int64_t ranges = by_blocks < by_length ? by_blocks : by_length;
  return ranges > 1 ? ranges : 1;
}

}  // namespace

template <class Out, class In>
void reduce(Cuda device, const Reducer& reducer, const ReduceSizes& sizes,
            Out* out, const In* a) {
  if (sizes.outer == 0 || sizes.inner == 0) return;
  Rule rule{reducer.op, reducer.p, reducer.scale, reducer.root, true};
  const std::int64_t ranges = ranges_of(sizes);
  Cut cut{sizes.outer, sizes.length, sizes.inner, 1, sizes.length};
  if (ranges == 1) return run(device, rule, cut, out, a);
  const cuda::Scratch<double> parts(sizes.outer * ranges * sizes.inner,
                                    device.device);
  cut.ranges = ranges;
  cut.range = divide_up(sizes.length, ranges);
  rule.last = false;
  run(device, rule, cut, parts.data(), a);
  rule.last = true;
  if (rule.op == Reduce::power) rule.op = Reduce::sum;
  run(device, rule, {sizes.outer, ranges, sizes.inner, 1, ranges}, out,
      parts.data());
}

#define INSTANTIATE(Out, In)                                           \
  template void reduce(Cuda, const Reducer&, const ReduceSizes&, Out*, \
                       const In*);
INSTANTIATE(float, float)
INSTANTIATE(float, double)
INSTANTIATE(double, float)
INSTANTIATE(double, double)
#undef INSTANTIATE

}  // namespace sigtape
