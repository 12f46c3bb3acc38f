// Tiles of the three products in registers: eight rows or times by eight
// outputs or some words. Sums over words or paths are in a fixed order.
#include "sigtape/framework/cuda/collect_cuda.h"
#include "sigtape/framework/divide_up.h"
#include "sigtape/layers/signature/signature_conv1d_products_cuda.h"
#include "sigtape/layers/signature/signature_words_cuda.h"

namespace sigtape::cuda {

namespace {

constexpr int kThreads = 128;
constexpr int kTimes = 8;        // rows or times of a tile
constexpr int kOutputs = 8;      // outputs of a tile
constexpr int kTaps = 4;         // taps of a tile of the weight's gradient
constexpr int kBackWords = 4;    // words of a thread in the stream's gradient
constexpr int kWeightWords = 2;  // the same in the weight's

template <class T>
__global__ void __launch_bounds__(kThreads)
    start_kernel(const ConvSizes sizes, const T* __restrict__ bias,
                 T* __restrict__ y) {
  const std::int64_t item =
      static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (item >= sizes.paths * sizes.rows * sizes.outputs) return;
  const std::int64_t o = item % sizes.outputs, row = item / sizes.outputs;
  const bool real = row % sizes.rows < sizes.own_rows(row / sizes.rows);
  y[item] = bias && real ? bias[o] : T(0);
}

// A block: kTimes rows of a path from `first` on, kOutputs outputs; its threads
// share the words.
template <class T>
__global__ void __launch_bounds__(kThreads)
    add_kernel(const ConvSizes sizes, const StreamPiece<const T> piece,
               std::int64_t first_row, std::int64_t row_tiles,
               const T* __restrict__ weight, T* __restrict__ y) {
  auto& partial =
      static_shared<struct AddPartial, T[kThreads / 32][kTimes * kOutputs]>();
  const std::int64_t b = blockIdx.x / row_tiles;
  const std::int64_t first = first_row + blockIdx.x % row_tiles * kTimes;
  const std::int64_t output = blockIdx.y * kOutputs;
  const std::int64_t own = sizes.own_rows(b);
  T sum[kTimes][kOutputs] = {};
  for (std::int64_t w = threadIdx.x; w < sizes.words; w += kThreads) {
    for (std::int64_t k = 0; k < sizes.kernel; ++k) {
      T factor[kOutputs];
#pragma unroll
      for (int o = 0; o < kOutputs; ++o) {
        factor[o] =
            output + o < sizes.outputs
                ? weight[((output + o) * sizes.words + w) * sizes.kernel + k]
                : T(0);
      }
#pragma unroll
      for (int r = 0; r < kTimes; ++r) {
        const std::int64_t t = first + r + k;
        if (t < piece.begin || t >= piece.end) continue;
        const T value =
            piece.rows[(b * piece.stride + t - piece.begin) * sizes.words + w];
#pragma unroll
        for (int o = 0; o < kOutputs; ++o) sum[r][o] += value * factor[o];
      }
    }
  }
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
#pragma unroll
  for (int r = 0; r < kTimes; ++r) {
#pragma unroll
    for (int o = 0; o < kOutputs; ++o) {
      const T total = collect_warp(sum[r][o], Plus());
      if (lane == 0) partial[warp][r * kOutputs + o] = total;
    }
  }
  __syncthreads();
  const int r = threadIdx.x / kOutputs, o = threadIdx.x % kOutputs;
  if (r >= kTimes || first + r >= own || output + o >= sizes.outputs) return;
  T total = 0;
#pragma unroll
  for (int part = 0; part < kThreads / 32; ++part)
    total += partial[part][threadIdx.x];
  y[(b * sizes.rows + first + r) * sizes.outputs + output + o] += total;
}

// A block: kTimes times of a path, kBackWords words for each thread.
template <class T>
__global__ void __launch_bounds__(kThreads)
    back_kernel(const ConvSizes sizes, const T* __restrict__ weight,
                const T* __restrict__ dy, const StreamPiece<T> piece,
                std::int64_t time_tiles) {
  const std::int64_t b = blockIdx.x / time_tiles;
  const std::int64_t first = piece.begin + blockIdx.x % time_tiles * kTimes;
  const std::int64_t own = sizes.own_rows(b);
  const std::int64_t word =
      static_cast<std::int64_t>(blockIdx.y) * kThreads * kBackWords +
      threadIdx.x;
  const T* rows = dy + b * sizes.rows * sizes.outputs;
  T sum[kTimes][kBackWords] = {};
  for (std::int64_t o = 0; o < sizes.outputs; ++o) {
    for (std::int64_t k = 0; k < sizes.kernel; ++k) {
      T factor[kBackWords];
#pragma unroll
      for (int w = 0; w < kBackWords; ++w) {
        const std::int64_t at = word + w * kThreads;
        factor[w] = at < sizes.words
                        ? weight[(o * sizes.words + at) * sizes.kernel + k]
                        : T(0);
      }
#pragma unroll
      for (int t = 0; t < kTimes; ++t) {
        const std::int64_t r = first + t - k;
        if (r < 0 || r >= own) continue;
        const T value = rows[r * sizes.outputs + o];
#pragma unroll
        for (int w = 0; w < kBackWords; ++w) sum[t][w] += value * factor[w];
      }
    }
  }
#pragma unroll
  for (int t = 0; t < kTimes; ++t) {
    if (first + t >= piece.end) continue;
    T* row =
        piece.rows + (b * piece.stride + first + t - piece.begin) * sizes.words;
#pragma unroll
    for (int w = 0; w < kBackWords; ++w)
      if (word + w * kThreads < sizes.words)
        row[word + w * kThreads] = sum[t][w];
  }
}

// A block: the paths of one group, kWeightWords words for each thread,
// kOutputs outputs, kTaps taps.
template <class T>
__global__ void __launch_bounds__(kThreads)
    weight_kernel(const ConvSizes sizes, const StreamPiece<const T> piece,
                  const T* __restrict__ dy, std::int64_t groups,
                  std::int64_t word_tiles, bool accumulate,
                  T* __restrict__ parts) {
  const std::int64_t group = blockIdx.x / word_tiles;
  const std::int64_t word =
      blockIdx.x % word_tiles * kThreads * kWeightWords + threadIdx.x;
  const std::int64_t output = blockIdx.y * kOutputs;
  const std::int64_t tap = blockIdx.z * kTaps;
  T sum[kTaps][kOutputs][kWeightWords] = {};
  for (std::int64_t b = group; b < sizes.paths; b += groups) {
    const std::int64_t own = sizes.own_rows(b);
    const T* cotangents = dy + b * sizes.rows * sizes.outputs;
    for (std::int64_t t = piece.begin; t < piece.end; ++t) {
      const T* row =
          piece.rows + (b * piece.stride + t - piece.begin) * sizes.words;
      T value[kWeightWords];
#pragma unroll
      for (int w = 0; w < kWeightWords; ++w) {
        const std::int64_t at = word + w * kThreads;
        value[w] = at < sizes.words ? row[at] : T(0);
      }
#pragma unroll
      for (int k = 0; k < kTaps; ++k) {
        const std::int64_t r = t - tap - k;
        if (r < 0 || r >= own || tap + k >= sizes.kernel) continue;
#pragma unroll
        for (int o = 0; o < kOutputs; ++o) {
          if (output + o >= sizes.outputs) continue;
          const T factor = cotangents[r * sizes.outputs + output + o];
#pragma unroll
          for (int w = 0; w < kWeightWords; ++w)
            sum[k][o][w] += factor * value[w];
        }
      }
    }
  }
#pragma unroll
  for (int k = 0; k < kTaps; ++k) {
#pragma unroll
    for (int o = 0; o < kOutputs; ++o) {
#pragma unroll
      for (int w = 0; w < kWeightWords; ++w) {
        const std::int64_t at = word + w * kThreads;
        if (at >= sizes.words || output + o >= sizes.outputs ||
            tap + k >= sizes.kernel) {
          continue;
        }
        T& part =
            parts[((group * sizes.outputs + output + o) * sizes.words + at) *
                      sizes.kernel +
                  tap + k];
        part = accumulate ? part + sum[k][o][w] : sum[k][o][w];
      }
    }
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    sum_parts_kernel(const T* __restrict__ parts, std::int64_t groups,
                     std::int64_t count, T* __restrict__ sum) {
  const std::int64_t item =
      static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (item >= count) return;
  T total = 0;
  for (std::int64_t g = 0; g < groups; ++g) total += parts[g * count + item];
  sum[item] = total;
}

// A block for each output.
template <class T>
__global__ void __launch_bounds__(kThreads)
    bias_kernel(const ConvSizes sizes, const T* __restrict__ dy,
                T* __restrict__ dbias) {
  T sum = 0;
  const std::int64_t count = sizes.paths * sizes.rows;
  for (std::int64_t row = threadIdx.x; row < count; row += kThreads) {
    if (row % sizes.rows < sizes.own_rows(row / sizes.rows))
      sum += dy[row * sizes.outputs + blockIdx.x];
  }
  sum = collect_block<kThreads>(sum, Plus());
  if (threadIdx.x == 0) dbias[blockIdx.x] = sum;
}

unsigned narrow(std::int64_t count) { return static_cast<unsigned>(count); }

}  // namespace

template <class T>
void conv_start(CUstream_st* stream, const ConvSizes& sizes, const T* bias,
                T* y) {
  launch(start_kernel<T>,
         blocks_of(sizes.paths * sizes.rows * sizes.outputs, kThreads),
         kThreads, 0, stream, sizes, bias, y);
}

template <class T>
void conv_add(CUstream_st* stream, const ConvSizes& sizes,
              const StreamPiece<const T>& piece, const T* weight, T* y) {
  const std::int64_t before = piece.begin - sizes.kernel + 1;
  const std::int64_t first = before > 0 ? before : 0;
  const std::int64_t end = piece.end < sizes.rows ? piece.end : sizes.rows;
  if (first >= end) return;
  const std::int64_t row_tiles = divide_up(end - first, kTimes);
  launch(add_kernel<T>,
         dim3(narrow(sizes.paths * row_tiles),
              narrow(divide_up(sizes.outputs, kOutputs))),
         kThreads, 0, stream, sizes, piece, first, row_tiles, weight, y);
}

template <class T>
void conv_back(CUstream_st* stream, const ConvSizes& sizes, const T* weight,
               const T* dy, const StreamPiece<T>& piece) {
  const std::int64_t time_tiles = divide_up(piece.end - piece.begin, kTimes);
  launch(back_kernel<T>,
         dim3(narrow(sizes.paths * time_tiles),
              narrow(divide_up(sizes.words, kThreads * kBackWords))),
         kThreads, 0, stream, sizes, weight, dy, piece, time_tiles);
}

std::int64_t conv_groups(const ConvSizes& sizes) {
  constexpr std::int64_t enough = 528;  // blocks
  const std::int64_t tiles = divide_up(sizes.words, kThreads * kWeightWords) *
                             divide_up(sizes.outputs, kOutputs) *
                             divide_up(sizes.kernel, kTaps);
  const std::int64_t groups = divide_up(enough, tiles);
  return groups < sizes.paths ? groups : sizes.paths;
}

template <class T>
void conv_weight(CUstream_st* stream, const ConvSizes& sizes,
                 const StreamPiece<const T>& piece, const T* dy,
                 std::int64_t groups, bool accumulate, T* parts) {
  const std::int64_t word_tiles =
      divide_up(sizes.words, kThreads * kWeightWords);
  launch(weight_kernel<T>,
         dim3(narrow(groups * word_tiles),
              narrow(divide_up(sizes.outputs, kOutputs)),
              narrow(divide_up(sizes.kernel, kTaps))),
         kThreads, 0, stream, sizes, piece, dy, groups, word_tiles, accumulate,
         parts);
}

template <class T>
void conv_sum_parts(CUstream_st* stream, const T* parts, std::int64_t groups,
                    std::int64_t count, T* sum) {
  launch(sum_parts_kernel<T>, blocks_of(count, kThreads), kThreads, 0, stream,
         parts, groups, count, sum);
}

template <class T>
void conv_bias(CUstream_st* stream, const ConvSizes& sizes, const T* dy,
               T* dbias) {
  launch(bias_kernel<T>, narrow(sizes.outputs), kThreads, 0, stream, sizes, dy,
         dbias);
}

#define INSTANTIATE(T)                                                        \
  template void conv_start(CUstream_st*, const ConvSizes&, const T*, T*);     \
  template void conv_add(CUstream_st*, const ConvSizes&,                      \
                         const StreamPiece<const T>&, const T*, T*);          \
  template void conv_back(CUstream_st*, const ConvSizes&, const T*, const T*, \
                          const StreamPiece<T>&);                             \
  template void conv_weight(CUstream_st*, const ConvSizes&,                   \
                            const StreamPiece<const T>&, const T*,            \
                            std::int64_t, bool, T*);                          \
  template void conv_sum_parts(CUstream_st*, const T*, std::int64_t,          \
                               std::int64_t, T*);                             \
  template void conv_bias(CUstream_st*, const ConvSizes&, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape::cuda
