#include "sigtape/framework/divide_up.h"
#include "sigtape/layers/signature/signature_chain_walk_cuda.h"

namespace sigtape::cuda {

namespace {

constexpr int kThreads = 128;
constexpr int kBlock = 8;  // increments between two visits of leaves
static_assert(kChainInterval % kBlock == 0);

template <class T, int N>
__global__ void __launch_bounds__(kThreads, 1)
    chain_forward_kernel(const ChainForward<T> call) {
  const ChainWalk<T>& walk = call.walk;
  const std::int64_t d = walk.channels;
  const std::int64_t prefixes = power(d, walk.depth - 1);
  const std::int64_t thread =
      static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (thread >= walk.batch * prefixes) return;
  const std::int64_t b = thread / prefixes;
  const Place<N> place(call.format, d, walk.depth, thread % prefixes);
  const std::int64_t leaf = place.leaf(), leaf_step = place.leaf_step();
  const T leaf_sign = place.template sign<T>(place.depth);
  const std::int64_t columns = call.format.columns;
  T* rows = call.rows + b * call.row_count * columns;
  const T* start = call.start ? call.start + b * call.start_stride : nullptr;
  const std::int64_t lower = first_word(d, walk.depth);
  const std::int64_t blocks = divide_up(walk.count, kChainInterval);

  Chain<T, N> chain;
  if (start) {
    chain.load(place, start);
  } else {
    chain.set_one(place);
  }
  for (std::int64_t t = walk.begin; t < walk.end; t += kBlock) {
    const T* dx = walk.increments + (b * walk.count + t) * d;
    const std::int64_t steps = min(walk.end - t, std::int64_t{kBlock});
    T g[kBlock];
#pragma unroll
    for (int u = 0; u < kBlock; ++u) {
      g[u] = 0;
      if (u >= steps) continue;
      g[u] = chain.template advance<1>(place, dx + u * d);
      if (call.stream)
        chain.store(place, rows + (t + u - walk.begin) * columns);
      const std::int64_t done = t + u + 1;
      if (call.saved && (done % kChainInterval == 0 || done == walk.count)) {
        chain.save(
            place,
            call.saved + (b * blocks + (done - 1) / kChainInterval) * lower);
      }
    }
    T* row = call.stream ? rows + (t - walk.begin) * columns : rows;
    const T* from = t == walk.begin ? start : call.stream ? row - columns : row;
    for (std::int64_t i = 0; i < d; ++i) {
      const std::int64_t at = leaf + i * leaf_step;
      T sum = from ? leaf_sign * from[at] : T(0);
#pragma unroll
      for (int u = 0; u < kBlock; ++u) {
        if (u >= steps) continue;
        sum += g[u] * dx[u * d + i];
        if (call.stream) row[u * columns + at] = leaf_sign * sum;
      }
      if (!call.stream) row[at] = leaf_sign * sum;
    }
  }
  if (!call.stream) chain.store(place, rows);
  if (!call.format.scalar_term || place.p != 0) return;
  const std::int64_t count = call.stream ? walk.end - walk.begin : 1;
  for (std::int64_t r = 0; r < count; ++r) rows[r * columns] = 1;
}

}  // namespace

template <class T>
void chain_forward(CUstream_st* stream, const ChainForward<T>& call) {
  const ChainWalk<T>& walk = call.walk;
  const std::int64_t items = walk.batch * power(walk.channels, walk.depth - 1);
  with_depth<T>(walk.depth, [&](auto depth) {
    launch(chain_forward_kernel<T, decltype(depth){}>,
           blocks_of(items, kThreads), kThreads, 0, stream, call);
  });
}

#define INSTANTIATE(T) \
  template void chain_forward(CUstream_st*, const ChainForward<T>&);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(Dual<float>)
INSTANTIATE(Dual<double>)
#undef INSTANTIATE

}  // namespace sigtape::cuda
