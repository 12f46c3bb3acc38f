// A warp takes a row. The sums of the parameters' gradients run over tiles of
// rows, one thread for each column, and then over the tiles, in order.
#include <cmath>

#include "sigtape/framework/cuda/collect_cuda.h"
#include "sigtape/framework/cuda/scratch.h"
#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/ops/layer_norm_kernels.h"

namespace sigtape {

namespace {

constexpr int warps = 4;
constexpr std::int64_t max_tiles = 128;

// in.a, y [rows, size]; mean, rstd [rows].
template <class T>
__global__ void forward_kernel(const LayerNormInputs<T> in, const T eps, T* y,
                               T* mean, T* rstd) {
  const int lane = threadIdx.x % 32;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * warps;
  std::int64_t row =
      static_cast<std::int64_t>(blockIdx.x) * warps + threadIdx.x / 32;
  for (; row < in.rows; row += step) {
    const T* a = in.a + row * in.size;
    T sum = 0, squares = 0;
    for (std::int64_t j = lane; j < in.size; j += 32) sum += a[j];
    const T m = cuda::collect_warp(sum, cuda::Plus()) / T(in.size);
    for (std::int64_t j = lane; j < in.size; j += 32) {
      squares += (a[j] - m) * (a[j] - m);
    }
    squares = cuda::collect_warp(squares, cuda::Plus());
    const T s = 1 / std::sqrt(squares / T(in.size) + eps);
    for (std::int64_t j = lane; j < in.size; j += 32) {
      y[row * in.size + j] =
          (a[j] - m) * s * (in.weight ? in.weight[j] : T{1}) +
          (in.bias ? in.bias[j] : T{0});
    }
    if (lane == 0) {
      mean[row] = m;
      rstd[row] = s;
    }
  }
}

// da [rows, size].
template <class T>
__global__ void input_kernel(const LayerNormInputs<T> in, const T* dy,
                             const T* mean, const T* rstd, T* da) {
  const int lane = threadIdx.x % 32;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * warps;
  std::int64_t row =
      static_cast<std::int64_t>(blockIdx.x) * warps + threadIdx.x / 32;
  for (; row < in.rows; row += step) {
    const std::int64_t at = row * in.size;
    const T m = mean[row], s = rstd[row];
    T sum = 0, product = 0;
    for (std::int64_t j = lane; j < in.size; j += 32) {
      const T h = in.weight ? dy[at + j] * in.weight[j] : dy[at + j];
      sum += h;
      product += h * (in.a[at + j] - m) * s;
    }
    sum = cuda::collect_warp(sum, cuda::Plus()) / T(in.size);
    product = cuda::collect_warp(product, cuda::Plus()) / T(in.size);
    for (std::int64_t j = lane; j < in.size; j += 32) {
      const T h = in.weight ? dy[at + j] * in.weight[j] : dy[at + j];
      da[at + j] = s * (h - sum - (in.a[at + j] - m) * s * product);
    }
  }
}

// Sums over the rows of a tile: parts [tiles, 2, size].
template <class T>
struct TileSums {
  LayerNormInputs<T> in;
  std::int64_t tile_rows;
  const T *dy, *mean, *rstd;
  T* parts;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t tile = i / in.size, j = i % in.size;
    const std::int64_t first = tile * tile_rows, end = first + tile_rows;
    T weight = 0, bias = 0;
    for (std::int64_t r = first; r < end && r < in.rows; ++r) {
      const T g = dy[r * in.size + j];
      weight += g * (in.a[r * in.size + j] - mean[r]) * rstd[r];
      bias += g;
    }
    parts[2 * tile * in.size + j] = weight;
    parts[(2 * tile + 1) * in.size + j] = bias;
  }
};

template <class T>
struct AddTiles {
  std::int64_t tiles, size;
  const T* parts;
  T *dweight, *dbias;
  __device__ void operator()(std::int64_t j) const {
    T weight = 0, bias = 0;
    for (std::int64_t t = 0; t < tiles; ++t) {
      weight += parts[2 * t * size + j];
      bias += parts[(2 * t + 1) * size + j];
    }
    if (dweight) dweight[j] = weight;
    if (dbias) dbias[j] = bias;
  }
};

}  // namespace

template <class T>
void layer_norm_forward(Cuda device, const LayerNormInputs<T>& in, double eps,
                        T* y, T* mean, T* rstd) {
  if (in.rows == 0) return;
  cuda::launch(forward_kernel<T>, cuda::blocks_for(in.rows, warps), warps * 32,
               0, cuda::stream(device), in, static_cast<T>(eps), y, mean, rstd);
}

template <class T>
void layer_norm_backward(Cuda device, const LayerNormInputs<T>& in, const T* dy,
                         const T* mean, const T* rstd, T* da, T* dweight,
                         T* dbias) {
  if (da && in.rows > 0) {
    cuda::launch(input_kernel<T>, cuda::blocks_for(in.rows, warps), warps * 32,
                 0, cuda::stream(device), in, dy, mean, rstd, da);
  }
  if (!dweight && !dbias) return;
  const std::int64_t tile_rows =
      in.rows > 16 * max_tiles ? divide_up(in.rows, max_tiles) : 16;
  const std::int64_t tiles = divide_up(in.rows, tile_rows);
  const cuda::Scratch<T> parts(tiles * 2 * in.size, device.device);
  cuda::for_each(device, tiles * in.size,
                 TileSums<T>{in, tile_rows, dy, mean, rstd, parts.data()});
  cuda::for_each(device, in.size,
                 AddTiles<T>{tiles, in.size, parts.data(), dweight, dbias});
}

#define INSTANTIATE(T)                                                         \
  template void layer_norm_forward(Cuda, const LayerNormInputs<T>&, double,    \
                                   T*, T*, T*);                                \
  template void layer_norm_backward(Cuda, const LayerNormInputs<T>&, const T*, \
                                    const T*, const T*, T*, T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
