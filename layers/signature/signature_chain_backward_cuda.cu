#include "sigtape/framework/divide_up.h"
#include "sigtape/layers/signature/signature_chain_walk_cuda.h"

namespace sigtape::cuda {

namespace {

constexpr int kThreads = 128;
constexpr int kBlock = 4;  // increments of one sum over threads
static_assert(kChainInterval % kBlock == 0);

// Shared memory of a backward block, by pieces of one number for each thread.
template <class T>
struct Tables {
  int threads;
  T* g;                  // [increment][thread], what leaves are raised by
  T* letters;            // [k - 1][increment][thread], dletters
  T* sums;               // [share][increment][channel]
  std::int64_t* leaves;  // [thread], column of the first word below

  __device__ __forceinline__ explicit Tables(int depth) : threads(blockDim.x) {
    constexpr int each = kBlock;
    leaves = dynamic_shared<std::int64_t>();
    g = reinterpret_cast<T*>(leaves + threads);
    sums = g + each * threads;
    letters = sums + each * threads;
    (void)depth;
  }
  static std::size_t bytes(int depth, int threads) {
    return threads * (sizeof(std::int64_t) + (depth + 1) * kBlock * sizeof(T));
  }
};

// The sum of line[0 .. count - 1] over those threads whose word p = first +
// thread has `letter` at a place with `below` = d^(letters after it).
template <class T>
__device__ __forceinline__ T sum_of_letter(const T* line, std::int64_t first,
                                           std::int64_t count, std::int64_t d,
                                           std::int64_t below,
                                           std::int64_t letter) {
  T sum = 0;
  const std::int64_t period = below * d, end = first + count;
  for (std::int64_t from = first / period * period + letter * below; from < end;
       from += period) {
    const std::int64_t stop = min(from + below, end);
    for (std::int64_t p = max(from, first); p < stop; ++p)
      sum += line[p - first];
  }
  return sum;
}

// What phase to phase of a backward block is about: increments t .. t + steps
// - 1 of path b, and the words first .. first + count - 1.
template <class T>
struct BackwardTile {
  std::int64_t b, t, steps, first, count;
  const T* drows;  // of increment t
  T* top;          // of word `first`
};

// Gradients of a tile's increments, summed over its threads, to shared memory
// or, where one thread has all of a channel's share, to `write`.
template <class T, class Write>
__device__ __forceinline__ void sum_tile(const ChainBackward<T>& call,
                                         const BackwardTile<T>& tile,
                                         const Tables<T>& tables, int shares,
                                         T leaf_sign, std::int64_t leaf_step,
                                         const Write& write) {
  const std::int64_t d = call.walk.channels, columns = call.format.columns;
  for (std::int64_t item = threadIdx.x; item < shares * d; item += blockDim.x) {
    const std::int64_t i = item % d, share = item / d;
    T sum[kBlock] = {};
    for (std::int64_t l = share; l < tile.count; l += shares) {
      T adjoint = tile.top[l * d + i];
      const T* cotangent = tile.drows + tables.leaves[l] + i * leaf_step;
#pragma unroll
      for (int u = kBlock - 1; u >= 0; --u) {
        if (u >= tile.steps) continue;
        if (call.stream) adjoint += leaf_sign * cotangent[u * columns];
        sum[u] += adjoint * tables.g[u * tables.threads + l];
      }
    }
    std::int64_t below = 1;
    for (int k = call.walk.depth - 1; k >= 1; --k, below *= d) {
      if ((k - 1) % shares != share) continue;
      const T* line = tables.letters + (k - 1) * kBlock * tables.threads;
#pragma unroll
      for (int u = 0; u < kBlock; ++u) {
        if (u >= tile.steps) continue;
        sum[u] += sum_of_letter(line + u * tables.threads, tile.first,
                                tile.count, d, below, i);
      }
    }
#pragma unroll
    for (int u = 0; u < kBlock; ++u) {
      if (u >= tile.steps) continue;
      if (shares == 1) {
        write(u, i, sum[u]);
      } else {
        tables.sums[(share * kBlock + u) * d + i] = sum[u];
      }
    }
  }
}

// The same as a call: two registers a number are too many for one function.
template <class T, class Write>
__device__ __attribute__((noinline)) void sum_tile_apart(
    const ChainBackward<T>& call, const BackwardTile<T>& tile,
    const Tables<T>& tables, int shares, T leaf_sign, std::int64_t leaf_step,
    const Write& write) {
  sum_tile(call, tile, tables, shares, leaf_sign, leaf_step, write);
}

template <class T, int N>
__global__ void __launch_bounds__(kThreads, 1)
    chain_backward_kernel(const ChainBackward<T> call) {
  constexpr int block = kBlock;
  const ChainWalk<T>& walk = call.walk;
  const std::int64_t d = walk.channels, columns = call.format.columns;
  const std::int64_t prefixes = power(d, walk.depth - 1);
  const std::int64_t b = blockIdx.x / call.slices;
  const std::int64_t slice = blockIdx.x % call.slices;
  const Tables<T> tables(walk.depth);
  const int threads = tables.threads, links = walk.depth - 1;
  const int shares = static_cast<int>(max(threads / d, std::int64_t{1}));
  const std::int64_t lower = first_word(d, walk.depth);
  const std::int64_t saved_rows = divide_up(walk.count, kChainInterval);
  const std::int64_t true_count =
      call.lengths ? call.lengths[b] - 1 + call.based : walk.count;
  const T* drows = call.drows + b * call.row_count * columns;
  T* parts = call.parts + (slice * walk.batch + b) * walk.count * d;

  for (std::int64_t first = slice * threads; first < prefixes;
       first += call.slices * threads) {
    const bool real = first + threadIdx.x < prefixes;
    const Place<N> place(call.format, d, walk.depth,
                         real ? first + threadIdx.x : prefixes - 1);
    const std::int64_t leaf_step = place.leaf_step();
    const T leaf_sign = place.template sign<T>(place.depth);
    T* top = call.state.top + (b * prefixes + place.p) * d;
    T* state_chain = call.state.chain
                         ? call.state.chain + (b * prefixes + place.p) * links
                         : nullptr;
    // Others read it between the two barriers below only.
    tables.leaves[threadIdx.x] = place.leaf();

    Chain<T, N> adjoint;
    each(Constant<1>(), previous(place.depth), [&](auto k) {
      adjoint.at[k] = 0;
      if (call.resume) {
        adjoint.at[k] = state_chain[k - 1];
      } else if (!call.stream && place.owns(k)) {
        adjoint.at[k] = place.template sign<T>(k) * drows[place.column(k)];
      }
    });
    for (std::int64_t i = 0; real && !call.resume && i < d; ++i) {
      top[i] =
          call.stream ? T(0) : leaf_sign * drows[place.leaf() + i * leaf_step];
    }

    for (std::int64_t piece = (walk.end - 1) / kChainInterval;
         piece * kChainInterval >= walk.begin && piece >= 0; --piece) {
      Chain<T, N> chain;
      chain.restore(place, call.saved + (b * saved_rows + piece) * lower);
      const std::int64_t piece_begin = piece * kChainInterval;
      const std::int64_t piece_end =
          min(piece_begin + kChainInterval, walk.end);
      for (std::int64_t t = (piece_end - 1) / block * block; t >= piece_begin;
           t -= block) {
        const std::int64_t steps = min(piece_end - t, std::int64_t{block});
        const T* dx = walk.increments + (b * walk.count + t) * d;
        const T* cotangents =
            call.stream ? drows + (t - walk.begin) * columns : drows;
        Chain<T, N> walker = chain;
        T dleaf[block] = {};
#pragma unroll
        for (int u = block - 1; u >= 0; --u) {
          T g = 0;
          if (u < steps) {
            walker.template advance<-1>(place, dx + u * d);
            g = walker.partial(place, dx + u * d);
          }
          tables.g[u * threads + threadIdx.x] = g;
        }
        for (std::int64_t i = 0; real && i < d; ++i) {
          T value = top[i];
          const T* cotangent = cotangents + place.leaf() + i * leaf_step;
#pragma unroll
          for (int u = block - 1; u >= 0; --u) {
            if (u >= steps) continue;
            if (call.stream) value += leaf_sign * cotangent[u * columns];
            dleaf[u] += value * dx[u * d + i];
          }
        }
#pragma unroll
        for (int u = block - 1; u >= 0; --u) {
          if (u >= steps) continue;
          each(Constant<1>(), previous(place.depth), [&](auto k) {
            if (call.stream && place.owns(k)) {
              adjoint.at[k] += place.template sign<T>(k) *
                               cotangents[u * columns + place.column(k)];
            }
          });
          chain.template advance<-1>(place, dx + u * d);
          T dletters[Depth<N>::most + 1];
          go_back(place, chain, dx + u * d, dleaf[u], adjoint, dletters);
          each(Constant<1>(), previous(place.depth), [&](auto k) {
            tables.letters[((k - 1) * block + u) * threads + threadIdx.x] =
                dletters[k - 1];
          });
        }
        __syncthreads();
        const BackwardTile<T> tile = {
            b,
            t,
            steps,
            first,
            min(std::int64_t{threads}, prefixes - first),
            cotangents,
            call.state.top + (b * prefixes + first) * d};
        const auto write = [&](std::int64_t u, std::int64_t i, T sum) {
          T& part = parts[(t + u) * d + i];
          const T value = t + u < true_count ? sum : T(0);
          part = first == slice * threads ? value : part + value;
        };
        if constexpr (is_dual<T>) {
          sum_tile_apart(call, tile, tables, shares, leaf_sign, leaf_step,
                         write);
        } else {
          sum_tile(call, tile, tables, shares, leaf_sign, leaf_step, write);
        }
        __syncthreads();
        if (shares > 1) {
          for (std::int64_t item = threadIdx.x; item < steps * d;
               item += blockDim.x) {
            T sum = 0;
            for (int share = 0; share < shares; ++share)
              sum += tables.sums[share * block * d + item];
            write(item / d, item % d, sum);
          }
        }
        if (!call.stream || !real) continue;
        for (std::int64_t i = 0; i < d; ++i) {
          const T* cotangent = cotangents + place.leaf() + i * leaf_step;
          T value = top[i];
          for (std::int64_t u = steps - 1; u >= 0; --u)
            value += leaf_sign * cotangent[u * columns];
          top[i] = value;
        }
      }
    }
    if (!state_chain || !real) continue;
    each(Constant<1>(), previous(place.depth),
         [&](auto k) { state_chain[k - 1] = adjoint.at[k]; });
  }
}

// Threads of a backward block: few where a word's tables are large.
int backward_threads(std::int64_t prefixes, int depth, std::size_t bytes) {
  const int deepest = bytes > sizeof(double) ? 4 : 8;
  return prefixes <= 32 || depth > deepest ? 32 : prefixes <= 64 ? 64 : 128;
}

}  // namespace

std::int64_t chain_slices(std::int64_t batch, std::int64_t channels, int depth,
                          std::size_t number_bytes) {
  constexpr std::int64_t enough = 1024;  // blocks
  const std::int64_t prefixes = power(channels, depth - 1);
  const std::int64_t threads = backward_threads(prefixes, depth, number_bytes);
  const std::int64_t tiles = divide_up(prefixes, threads);
  const std::int64_t most = divide_up(enough, batch);
  return tiles < most ? tiles : most;
}

template <class T>
void chain_backward(CUstream_st* stream, const ChainBackward<T>& call) {
  const ChainWalk<T>& walk = call.walk;
  const int threads = backward_threads(power(walk.channels, walk.depth - 1),
                                       walk.depth, sizeof(T));
  const std::int64_t blocks = walk.batch * call.slices;
  with_depth<T>(walk.depth, [&](auto depth) {
    launch(chain_backward_kernel<T, decltype(depth){}>,
           static_cast<unsigned>(blocks), threads,
           Tables<T>::bytes(walk.depth, threads), stream, call);
  });
}

#define INSTANTIATE(T) \
  template void chain_backward(CUstream_st*, const ChainBackward<T>&);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(Dual<float>)
INSTANTIATE(Dual<double>)
#undef INSTANTIATE

}  // namespace sigtape::cuda
