// What comes before and after the walks: increments of paths, gradients of
// points.
#include "sigtape/layers/signature/dual_cuda.h"
#include "sigtape/layers/signature/signature_chain_cuda.h"

namespace sigtape::cuda {

namespace {

constexpr int kThreads = 128;

template <class T>
__global__ void __launch_bounds__(kThreads)
    increments_kernel(const Increments<T> from, std::int64_t batch,
                      T* __restrict__ to) {
  const std::int64_t total = batch * from.count * from.channels;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i =
           static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < total; i += step) {
    const std::int64_t row = i / from.channels;
    to[i] = from.at(row / from.count, row % from.count, i % from.channels);
  }
}

// The sum over slices of the gradient of increment t of path b; 0 where there
// is no such increment.
template <class T>
struct IncrementGradients {
  const T* parts;
  std::int64_t slices, batch, count, channels;

  __device__ __forceinline__ T at(std::int64_t b, std::int64_t t,
                                  std::int64_t i) const {
    if (t < 0 || t >= count) return 0;
    T sum = 0;
    for (std::int64_t s = 0; s < slices; ++s)
      sum += parts[((s * batch + b) * count + t) * channels + i];
    return sum;
  }
};

template <class T>
__global__ void __launch_bounds__(kThreads)
    path_gradients_kernel(const IncrementGradients<T> from, std::int64_t length,
                          int based, T* __restrict__ dpath) {
  const std::int64_t d = from.channels, total = from.batch * length * d;
  const std::int64_t item =
      static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (item >= total) return;
  const std::int64_t i = item % d, point = item / d % length;
  const std::int64_t b = item / d / length;
  dpath[item] = from.at(b, point - 1 + based, i) - from.at(b, point + based, i);
}

// One row for each path, or one for all.
template <class T>
__global__ void __launch_bounds__(kThreads)
    basepoint_gradients_kernel(const IncrementGradients<T> from, bool shared,
                               T* __restrict__ dbasepoint) {
  const std::int64_t d = from.channels, rows = shared ? 1 : from.batch;
  const std::int64_t item =
      static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (item >= rows * d) return;
  const std::int64_t row = item / d;
  T sum = 0;
  for (std::int64_t b = shared ? 0 : row; b < (shared ? from.batch : row + 1);
       ++b) {
    sum -= from.at(b, 0, item % d);
  }
  dbasepoint[item] = sum;
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    initial_gradients_kernel(std::int64_t batch, std::int64_t d, int depth,
                             const RowFormat format, const T* __restrict__ top,
                             const T* __restrict__ chains, int links,
                             T* __restrict__ dinitial) {
  const std::int64_t item =
      static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (item >= batch * format.columns) return;
  const std::int64_t b = item / format.columns;
  std::int64_t word = item % format.columns - format.scalar_term;
  if (word < 0) {
    dinitial[item] = 0;
    return;
  }
  int level = 1;
  std::int64_t count = d;
  for (; word >= count; ++level, count *= d) word -= count;
  if (format.inverse) word = reversed(word, d, level);
  T value = 0;
  if (level <= links) {
    const std::int64_t chains_below = power(d, links - level);
    const T* chain =
        chains + (b * power(d, links) + word * chains_below) * links;
    for (std::int64_t q = 0; q < chains_below; ++q)
      value += chain[q * links + level - 1];
  } else if (level == depth && top) {
    value = top[b * count + word];
  } else {
    return;
  }
  dinitial[item] = format.inverse && level % 2 ? -value : value;
}

}  // namespace

template <class T>
void write_increments(CUstream_st* stream, std::int64_t batch,
                      const Increments<T>& from, T* to) {
  const std::int64_t items = batch * from.count * from.channels;
  const std::int64_t most = std::int64_t{1} << 22;
  launch(increments_kernel<T>, blocks_of(items < most ? items : most, kThreads),
         kThreads, 0, stream, from, batch, to);
}

template <class T>
void finish_gradients(CUstream_st* stream, const SignatureShape& shape,
                      const SignatureGradients<T>& gradients, const T* parts,
                      std::int64_t slices) {
  const std::int64_t d = shape.channels;
  const IncrementGradients<T> from = {parts, slices, shape.batch,
                                      shape.increments(), d};
  const int based = shape.basepoint == BasepointKind::none ? 0 : 1;
  if (gradients.path) {
    launch(path_gradients_kernel<T>,
           blocks_of(shape.batch * shape.length * d, kThreads), kThreads, 0,
           stream, from, shape.length, based, gradients.path);
  }
  const bool shared = shape.basepoint == BasepointKind::shared;
  if (!gradients.basepoint ||
      !(shared || shape.basepoint == BasepointKind::per_path)) {
    return;
  }
  launch(basepoint_gradients_kernel<T>,
         blocks_of(shared ? d : shape.batch * d, kThreads), kThreads, 0, stream,
         from, shared, gradients.basepoint);
}

template <class T>
void initial_gradients(CUstream_st* stream, const SignatureShape& shape,
                       const T* top, const T* chains, int links, T* dinitial) {
  const RowFormat format = row_format(shape);
  launch(initial_gradients_kernel<T>,
         blocks_of(shape.batch * format.columns, kThreads), kThreads, 0, stream,
         shape.batch, shape.channels, shape.depth, format, top, chains, links,
         dinitial);
}

#define INSTANTIATE(T)                                                   \
  template void write_increments(CUstream_st*, std::int64_t,             \
                                 const Increments<T>&, T*);              \
  template void finish_gradients(CUstream_st*, const SignatureShape&,    \
                                 const SignatureGradients<T>&, const T*, \
                                 std::int64_t);                          \
  template void initial_gradients(CUstream_st*, const SignatureShape&,   \
                                  const T*, const T*, int, T*);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(Dual<float>)
INSTANTIATE(Dual<double>)
#undef INSTANTIATE

}  // namespace sigtape::cuda
