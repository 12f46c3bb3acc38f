#pragma once

#include "sigtape/framework/cuda/scratch.h"
#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/divide_up.h"

/// Matrix products C = A B of anything that can be read as a matrix: A and B
/// are functors, so the windows of a stream need not be built.
///
///   A: T operator()(batch, i, l) const   the element, for i < m, l < k
///      static constexpr bool along_k     whether neighbours in l are
///   B: T operator()(batch, l, j) const   neighbours in memory
///      static constexpr bool along_k
///   C: void operator()(batch, i, j, value) const
///
/// Where C is small and k long, k is cut into parts whose sums are added in
/// order at the end.
namespace sigtape::cuda {

struct GemmSizes {
  std::int64_t batch = 1, m = 0, n = 0, k = 0;
};

/// Tiles of Rows x Columns by 256 threads, each with PerRow x PerColumn of C.
template <int Rows, int Columns, int PerRow, int PerColumn>
struct GemmTile {
  static constexpr int rows = Rows, columns = Columns, depth = 16;
  static constexpr int per_row = PerRow, per_column = PerColumn;
  static constexpr int threads = Rows / PerRow * (Columns / PerColumn);
  static_assert(threads == 256);
};
using WideTile = GemmTile<64, 64, 4, 4>;
using NarrowTile = GemmTile<256, 8, 4, 2>;

template <class T, class Tile>
struct GemmShared {
  T a[Tile::depth][Tile::rows + 1];
  T b[Tile::depth][Tile::columns + 1];
};

/// Copies a block of a matrix that is `high` x `wide` into shared memory, with
/// zeros beyond `high_end` and `wide_end`. `read(h, w)` is for tile positions,
/// with neighbours in h side by side in memory where `along_high`.
template <int High, int Wide, bool along_high, class Row, class Read>
__device__ inline void load_tile(Row* tile, int high_end, int wide_end,
                                 const Read& read) {
  for (int e = threadIdx.x; e < High * Wide; e += 256) {
    const int h = along_high ? e % High : e / Wide;
    const int w = along_high ? e / High : e % Wide;
    const bool inside = h < high_end && w < wide_end;
    tile[h][w] = inside ? read(h, w) : 0;
  }
}

template <class T, class Tile, class A, class B, class C>
__global__ void __launch_bounds__(256, 1)
    gemm_kernel(const GemmSizes s, const std::int64_t part, const A a,
                const B b, const C c) {
  struct GemmTiles;
  auto& shared = static_shared<GemmTiles, GemmShared<T, Tile>>();
  constexpr int columns = Tile::columns / Tile::per_column;
  constexpr int rows = Tile::rows / Tile::per_row;
  const int tx = threadIdx.x % columns, ty = threadIdx.x / columns;
  const std::int64_t column_tiles = (s.n + Tile::columns - 1) / Tile::columns;
  const std::int64_t i0 = blockIdx.x / column_tiles * Tile::rows;
  const std::int64_t j0 = blockIdx.x % column_tiles * Tile::columns;
  const std::int64_t first = blockIdx.y * part;
  const std::int64_t end = first + part < s.k ? first + part : s.k;
  const int m = s.m - i0 < Tile::rows ? int(s.m - i0) : Tile::rows;
  const int n = s.n - j0 < Tile::columns ? int(s.n - j0) : Tile::columns;
  for (std::int64_t z = blockIdx.z; z < s.batch; z += gridDim.z) {
    T sum[Tile::per_row][Tile::per_column] = {};
    for (std::int64_t l0 = first; l0 < end; l0 += Tile::depth) {
      const int k = end - l0 < Tile::depth ? int(end - l0) : Tile::depth;
      load_tile<Tile::depth, Tile::rows, A::along_k>(
          shared.a, k, m, [&](int l, int i) { return a(z, i0 + i, l0 + l); });
      load_tile<Tile::depth, Tile::columns, B::along_k>(
          shared.b, k, n, [&](int l, int j) { return b(z, l0 + l, j0 + j); });
      __syncthreads();
#pragma unroll
      for (int l = 0; l < Tile::depth; ++l) {
        T x[Tile::per_row], y[Tile::per_column];
#pragma unroll
        for (int r = 0; r < Tile::per_row; ++r) {
          x[r] = shared.a[l][ty + r * rows];
        }
#pragma unroll
        for (int q = 0; q < Tile::per_column; ++q) {
          y[q] = shared.b[l][tx + q * columns];
        }
#pragma unroll
        for (int r = 0; r < Tile::per_row; ++r) {
#pragma unroll
          for (int q = 0; q < Tile::per_column; ++q) sum[r][q] += x[r] * y[q];
        }
      }
      __syncthreads();
    }
#pragma unroll
    for (int r = 0; r < Tile::per_row; ++r) {
#pragma unroll
      for (int q = 0; q < Tile::per_column; ++q) {
        const int i = ty + r * rows, j = tx + q * columns;
        if (i < m && j < n) c(z, blockIdx.y, i0 + i, j0 + j, sum[r][q]);
      }
    }
  }
}

/// Stores where C wants it, or as a part [batch, parts, m, n].
template <class T, class C>
struct StoreDirect {
  C c;
  __device__ void operator()(std::int64_t z, unsigned, std::int64_t i,
                             std::int64_t j, T value) const {
    c(z, i, j, value);
  }
};
template <class T>
struct StorePart {
  GemmSizes s;
  std::int64_t parts;
  T* to;
  __device__ void operator()(std::int64_t z, unsigned part, std::int64_t i,
                             std::int64_t j, T value) const {
    to[((z * parts + part) * s.m + i) * s.n + j] = value;
  }
};
template <class T, class C>
struct AddParts {
  GemmSizes s;
  std::int64_t parts;
  const T* from;
  C c;
  __device__ void operator()(std::int64_t at) const {
    const std::int64_t size = s.m * s.n, z = at / size, place = at % size;
    T sum = 0;
    for (std::int64_t p = 0; p < parts; ++p) {
      sum += from[(z * parts + p) * size + place];
    }
    c(z, place / s.n, place % s.n, sum);
  }
};

/// Parts that k is cut into, from the sizes alone.
inline std::int64_t gemm_parts(const GemmSizes& s, std::int64_t tiles) {
  constexpr std::int64_t wanted_blocks = 128, least = 128;
  const std::int64_t blocks = tiles * s.batch;
  if (blocks >= wanted_blocks / 2 || s.k < 2 * least) return 1;
  const std::int64_t by_blocks = divide_up(wanted_blocks, blocks);
  const std::int64_t by_length = s.k / least;
  return by_blocks < by_length ? by_blocks : by_length;
}

template <class T, class Tile, class A, class B, class C>
void gemm_tiles(Cuda device, const GemmSizes& s, const A& a, const B& b,
                const C& c) {
  const std::int64_t tiles =
      divide_up(s.m, Tile::rows) * divide_up(s.n, Tile::columns);
  const std::int64_t parts = gemm_parts(s, tiles);
  const std::int64_t part = divide_up(s.k, parts);
  require(tiles <= 0x7fffffff, "matmul: ", s.m, " x ", s.n,
          " is more than a launch covers");
  const dim3 grid(static_cast<unsigned>(tiles), static_cast<unsigned>(parts),
                  static_cast<unsigned>(s.batch < 65535 ? s.batch : 65535));
  if (parts == 1) {
    using Store = StoreDirect<T, C>;
    return launch(gemm_kernel<T, Tile, A, B, Store>, grid, Tile::threads, 0,
                  stream(device), s, part, a, b, Store{c});
  }
  const Scratch<T> sums(s.batch * parts * s.m * s.n, device.device);
  launch(gemm_kernel<T, Tile, A, B, StorePart<T>>, grid, Tile::threads, 0,
         stream(device), s, part, a, b, StorePart<T>{s, parts, sums.data()});
  for_each(device, s.batch * s.m * s.n,
           AddParts<T, C>{s, parts, sums.data(), c});
}

/// C of A B; C is told of every element, also where k is 0.
template <class T, class A, class B, class C>
void gemm_tiled(Cuda device, const GemmSizes& s, const A& a, const B& b,
                const C& c) {
  if (s.batch == 0 || s.m == 0 || s.n == 0) return;
  if (s.n <= 16) return gemm_tiles<T, NarrowTile>(device, s, a, b, c);
  gemm_tiles<T, WideTile>(device, s, a, b, c);
}

}  // namespace sigtape::cuda
