#pragma once

#include "sigtape/layers/signature/signature_subtree_cuda.h"
#include "sigtape/layers/signature/signature_tree_cuda.h"

/// The kernels behind signature_tree_cuda.h; a unit instantiates those of its
/// number of channels.
namespace sigtape::cuda {

constexpr int kTreeThreads = 256;
constexpr int kStaged = 16;  // increments of a chunk in shared memory at a time
constexpr int kTreeBlock = 4;  // increments taken together at a node

/// Increments whose gradients are summed over the prefixes at a time.
template <class T>
constexpr int kReduced = sizeof(T) == 4 ? 4 : 2;

/// Of the d^q prefixes a block takes this many, of each of its chunks.
__host__ __device__ constexpr int tree_lanes(int d, int q) {
  return power(d, q) <= kTreeThreads ? power(d, q) : tree_lanes(d, q - 1);
}

/// For the thread at hand: its group is a chunk of a segment of a path. The
/// threads that fill the last warp repeat the last chunk and write nothing.
template <int D, int Q>
struct TreePlace {
  static constexpr int lanes = tree_lanes(D, Q);
  std::int64_t path, segment;
  int chunk, p;
  bool real;

  __device__ __forceinline__ explicit TreePlace(const TreePlan& plan) {
    path = blockIdx.x / plan.segments;
    segment = blockIdx.x % plan.segments;
    const int group = threadIdx.x / lanes;
    real = group < plan.chunks;
    chunk = real ? group : static_cast<int>(plan.chunks) - 1;
    p = blockIdx.y * lanes + threadIdx.x % lanes;
  }
};

/// Numbers of a group's staged increments; 4 move the next group's to other
/// banks of shared memory.
template <int D>
constexpr int kStagedRow = kStaged* D + 4;

/// The increments t .. t + kStaged - 1 of every chunk of the block.
template <int D, class T>
__device__ __forceinline__ void stage(const Increments<T>& from,
                                      const TreePlan& plan, std::int64_t path,
                                      std::int64_t segment, std::int64_t t,
                                      T* increments) {
  __syncthreads();
  const int chunks = static_cast<int>(plan.chunks);
  for (int i = threadIdx.x; i < chunks * kStaged * D; i += blockDim.x) {
    const int chunk = i / (kStaged * D), k = i % (kStaged * D);
    const std::int64_t u = t + k / D;
    const std::int64_t at = (segment * plan.chunks + chunk) * plan.steps + u;
    increments[chunk * kStagedRow<D> + k] =
        u < plan.steps && at < from.count ? from.at(path, at, k % D) : T(0);
  }
  __syncthreads();
}

/// dx[b][r][i] = channel i of increment b over r + 1.
template <class T, int D, int Block, int R>
__device__ __forceinline__ void scale(const T* step, T (&dx)[Block][R][D]) {
  T x[Block * D];
  if constexpr (sizeof(T) == 4 && Block * D % 4 == 0) {
#pragma unroll
    for (int i = 0; i < Block * D; i += 4) {
      const float4 four = *reinterpret_cast<const float4*>(step + i);
      x[i] = four.x;
      x[i + 1] = four.y;
      x[i + 2] = four.z;
      x[i + 3] = four.w;
    }
  } else {
#pragma unroll
    for (int i = 0; i < Block * D; ++i) x[i] = step[i];
  }
#pragma unroll
  for (int b = 0; b < Block; ++b) {
#pragma unroll
    for (int r = 0; r < R; ++r) {
#pragma unroll
      for (int i = 0; i < D; ++i)
        dx[b][r][i] = x[b * D + i] * (T(1) / T(r + 1));
    }
  }
}

/// x[c] becomes x[0] (x) ... (x) x[c], in log2(chunks) rounds; `s` is this
/// thread's part of it.
template <class T, int D, int Q, int M>
__device__ __forceinline__ void scan(Subtree<T, D, Q, M>& s, T* x,
                                     const TreePlace<D, Q>& at, int chunks) {
  constexpr int size = words_to(D, Q + M);
  for (int distance = 1; distance < chunks; distance *= 2) {
    const bool moves = at.chunk >= distance;
    if (moves) {
      s.load(x + (at.chunk - distance) * size);
      s.multiply(x + at.chunk * size);
    }
    __syncthreads();
    if (moves && at.real) s.template store<Q + M>(x + at.chunk * size);
    __syncthreads();
  }
}

template <class T, int D, int Q, int M>
__global__ void __launch_bounds__(kTreeThreads, 1)
    tree_forward_kernel(const TreeForward<T> call) {
  constexpr int N = Q + M, size = words_to(D, N), lower = words_to(D, N - 1);
  const TreePlan& plan = call.plan;
  const TreePlace<D, Q> at(plan);
  T* increments = dynamic_shared<T>();
  Subtree<T, D, Q, M> s;
  s.set_prefix(at.p);
  if (call.initial && at.segment == 0 && at.chunk == 0) {
    s.load(call.format, call.initial + at.path * call.format.columns);
  } else {
    s.set_one();
  }
  for (std::int64_t t = 0; t < plan.steps; t += kStaged) {
    stage<D>(call.increments, plan, at.path, at.segment, t, increments);
    const int steps =
        static_cast<int>(min(std::int64_t{kStaged}, plan.steps - t));
    for (int u = 0; u < steps; u += kTreeBlock) {
      const T* step = increments + at.chunk * kStagedRow<D> + u * D;
      T dx[kTreeBlock][M][D];
      scale(step, dx);
      s.template advance<kTreeBlock, 1>(dx, step);
    }
  }
  const int chunks = static_cast<int>(plan.chunks);
  T* mine =
      call.saved.chunks
          ? call.saved.chunks +
                (static_cast<std::int64_t>(blockIdx.x) * chunks + at.chunk) *
                    2 * lower
          : nullptr;
  if (at.real && mine) s.template store<N - 1>(mine);
  if (chunks > 1) {
    T* x = increments + chunks * kStagedRow<D>;
    if (at.real) s.template store<N>(x + at.chunk * size);
    __syncthreads();
    scan(s, x, at, chunks);
  }
  if (at.real && mine) s.template store<N - 1>(mine + lower);
  if (!at.real || at.chunk != chunks - 1) return;
  if (plan.segments == 1) {
    s.store(call.format, call.out + at.path * call.format.columns);
  } else {
    s.template store<N>(call.saved.signatures +
                        static_cast<std::int64_t>(blockIdx.x) * size);
  }
}

/// The product of the segments' signatures; without the top level that of each
/// segment and those before it.
template <class T, int D, int Q, int M>
__global__ void __launch_bounds__(kTreeThreads, 1)
    tree_combine_kernel(const TreeForward<T> call) {
  constexpr int N = Q + M, size = words_to(D, N), lower = words_to(D, N - 1);
  const std::int64_t path = blockIdx.x, segments = call.plan.segments;
  const T* x = call.saved.signatures + path * segments * size;
  T* prefixes = call.saved.prefixes + path * segments * lower;
  Subtree<T, D, Q, M> s;
  s.set_prefix(blockIdx.y * blockDim.x + threadIdx.x);
  s.load(x);
  for (std::int64_t i = 0; i < segments; ++i) {
    if (i > 0) s.multiply(x + i * size);
    s.template store<N - 1>(prefixes + i * lower);
  }
  s.store(call.format, call.out + path * call.format.columns);
}

/// The sum over the lanes of a chunk of what they put into the table for one
/// increment and channel, by `split` neighbouring threads, `share` being one's
/// part. Lanes whose prefix has the channel as its letter k are those l with
/// l / below % D == channel.
template <class T, int D, int Q>
__device__ __forceinline__ T sum_lanes(const T* line, int threads, int channel,
                                       int share, int split) {
  constexpr int lanes = tree_lanes(D, Q);
  T sum = 0;
  for (int l = share; l < lanes; l += split) sum += line[channel * threads + l];
  int below = 1;
#pragma unroll
  for (int k = Q; k >= 1; --k, below *= D) {
    const T* letters = line + (D + k - 1) * threads;
    if (below < lanes) {
      for (int l = share; l < lanes / D; l += split)
        sum += letters[(l / below * D + channel) * below + l % below];
    } else if (static_cast<int>(blockIdx.y) * lanes / below % D == channel) {
      for (int l = share; l < lanes; l += split) sum += letters[l];
    }
  }
  return sum;
}

template <class T, int D, int Q, int M>
__global__ void __launch_bounds__(kTreeThreads, 1)
    tree_backward_kernel(const TreeBackward<T> call) {
  constexpr int N = Q + M, size = words_to(D, N), lower = words_to(D, N - 1);
  constexpr int lanes = TreePlace<D, Q>::lanes, reduced = kReduced<T>;
  constexpr int split = lanes >= 64 ? 8 : lanes >= 16 ? 4 : lanes >= 8 ? 2 : 1;
  const TreePlan& plan = call.plan;
  const TreePlace<D, Q> at(plan);
  const int chunks = static_cast<int>(plan.chunks);
  const int threads = blockDim.x;
  const std::int64_t count = call.increments.count;
  const std::int64_t true_count = call.increments.true_count(at.path);
  T* increments = dynamic_shared<T>();
  T* table = increments + chunks * kStagedRow<D>;  // [reduced][D + Q][threads]
  T* part = call.parts +
            (static_cast<std::int64_t>(blockIdx.y) * call.batch + at.path) *
                count * D;

  // The adjoint at the end of this chunk: contracted by all that comes after.
  Subtree<T, D, Q, M> ds;
  ds.set_prefix(at.p);
  ds.load_adjoint(call.format, call.dout + at.path * call.format.columns);
  for (std::int64_t i = plan.segments - 1; i > at.segment; --i) {
    ds.contract(call.saved.signatures + (at.path * plan.segments + i) * size);
  }
  const T* saved = call.saved.chunks +
                   static_cast<std::int64_t>(blockIdx.x) * chunks * 2 * lower;
  for (int i = chunks - 1; i > at.chunk; --i)
    ds.contract(saved + i * 2 * lower);

  // The prefix at the end of this chunk.
  Subtree<T, D, Q, M - 1> s;
  s.set_prefix(at.p);
  const T* product = saved + (at.chunk * 2 + 1) * lower;
  if (at.segment > 0) {
    s.load(call.saved.prefixes +
           (static_cast<std::int64_t>(blockIdx.x) - 1) * lower);
    s.multiply(product);
  } else {
    s.load(product);
  }

  for (std::int64_t t = (plan.steps - 1) / kStaged * kStaged; t >= 0;
       t -= kStaged) {
    stage<D>(call.increments, plan, at.path, at.segment, t, increments);
    for (int top = static_cast<int>(min(std::int64_t{kStaged}, plan.steps - t));
         top > 0; top -= reduced) {
#pragma unroll 2
      for (int r = reduced - 1; r >= 0; --r) {
        const T* step =
            increments + at.chunk * kStagedRow<D> + (top - reduced + r) * D;
        T dx[1][M][D], ddx[M][D], dletter[Q + 1];
        scale(step, dx);
#pragma unroll
        for (int k = 0; k < M * D; ++k) ddx[k / D][k % D] = 0;
        s.template advance<1, -1>(dx, step);
        SubtreeBack<T, D, Q, M>{s, ds, dx[0], ddx}.run(step, dletter);
        T* column = table + r * (D + Q) * threads + threadIdx.x;
#pragma unroll
        for (int i = 0; i < D; ++i) {
          T sum = ddx[0][i];
#pragma unroll
          for (int k = 1; k < M; ++k) sum += ddx[k][i] * (T(1) / T(k + 1));
          column[i * threads] = sum;
        }
#pragma unroll
        for (int k = 0; k < Q; ++k) column[(D + k) * threads] = dletter[k];
      }
      __syncthreads();
      const int sums = chunks * reduced * D;
      for (int base = 0; base < sums * split; base += threads) {
        const int i = (base + static_cast<int>(threadIdx.x)) / split;
        const int share = threadIdx.x % split;
        const int chunk = i / (reduced * D), r = i / D % reduced;
        T sum = 0;
        if (i < sums) {
          sum =
              sum_lanes<T, D, Q>(table + r * (D + Q) * threads + chunk * lanes,
                                 threads, i % D, share, split);
        }
#pragma unroll
        for (int offset = split / 2; offset > 0; offset /= 2)
          sum += __shfl_xor_sync(0xffffffffu, sum, offset);
        const std::int64_t u =
            (at.segment * chunks + chunk) * plan.steps + t + top - reduced + r;
        if (i < sums && share == 0 && u < count)
          part[u * D + i % D] = u < true_count ? sum : T(0);
      }
      __syncthreads();
    }
  }
  if (!call.dinitial || !at.real || at.segment != 0 || at.chunk != 0) return;
  T* row = call.dinitial + at.path * call.format.columns;
  T* chain = call.chains + (at.path * power(D, Q) + at.p) * Q;
  ds.for_each_column(call.format, [&](T& word, int column, T sign, int k) {
    if (k == 0) {
      row[column] = sign * word;
    } else {
      chain[k - 1] = word;
    }
  });
}

inline unsigned whole_warps(std::int64_t threads) {
  return static_cast<unsigned>((threads + 31) / 32 * 32);
}

template <class T, int D, int Q, int M>
void tree_forward(CUstream_st* stream, const TreeForward<T>& call) {
  constexpr int lanes = tree_lanes(D, Q);
  const TreePlan& plan = call.plan;
  const auto slices = static_cast<unsigned>(plan.slices);
  const std::size_t scanned = plan.chunks > 1 ? words_to(D, Q + M) : 0;
  launch(tree_forward_kernel<T, D, Q, M>,
         dim3(static_cast<unsigned>(call.batch * plan.segments), slices),
         whole_warps(plan.chunks * lanes),
         plan.chunks * (kStagedRow<D> + scanned) * sizeof(T), stream, call);
  if (plan.segments == 1) return;
  launch(tree_combine_kernel<T, D, Q, M>,
         dim3(static_cast<unsigned>(call.batch), slices), lanes, 0, stream,
         call);
}

template <class T, int D, int Q, int M>
void tree_backward(CUstream_st* stream, const TreeBackward<T>& call) {
  constexpr int lanes = tree_lanes(D, Q);
  const TreePlan& plan = call.plan;
  const unsigned threads = whole_warps(plan.chunks * lanes);
  launch(tree_backward_kernel<T, D, Q, M>,
         dim3(static_cast<unsigned>(call.batch * plan.segments),
              static_cast<unsigned>(plan.slices)),
         threads,
         (plan.chunks * kStagedRow<D> + kReduced<T> * (D + Q) * threads) *
             sizeof(T),
         stream, call);
}

/// Words of M levels below a prefix in a thread's registers.
template <class T, int D, int N>
constexpr int tree_levels() {
  if (D == 2) return N < 3 ? N : 3;
  if (D >= 5 && (N == 2 || sizeof(T) == 8)) return 1;
  return N < 2 ? N : 2;
}

template <class T, int D, int N>
const TreeKernels<T>* tree_kernels_of() {
  constexpr int M = tree_levels<T, D, N>();
  static const TreeKernels<T> kernels = {N - M, tree_forward<T, D, N - M, M>,
                                         tree_backward<T, D, N - M, M>};
  return &kernels;
}

}  // namespace sigtape::cuda
