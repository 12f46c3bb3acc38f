// Layer by layer: the first is a convolution, the others products of rows;
// what comes beside the network is one more pass over the points.
#include <array>

#include "sigtape/framework/ops/gemm_tile_cuda.h"
#include "sigtape/framework/ops/stream_net_kernels.h"
#include "sigtape/framework/ops/windows_cuda.h"

namespace sigtape {

namespace {

using cuda::StoreRows;
using cuda::WindowSizes;

// Layer i as a convolution: of one point after the first.
WindowSizes sizes_of(const StreamNetShape& s, int i) {
  const std::int64_t kernel = i == 0 ? s.kernel : 1;
  const std::int64_t length = i == 0 ? s.length : s.points();
  return {length, s.inputs(i), s.points(), s.sizes[i], kernel, 1, 0, 1};
}

// The hidden layers' values and cotangents, one after another.
template <class T>
class Hidden {
 public:
  Hidden(const StreamNetShape& s, int device)
      : rows_(s.batch * s.points()), memory_(count(s), device) {
    T* at = memory_.data();
    for (int i = 0; i + 1 < s.layers; ++i) {
      layer_[i] = at;
      at += rows_ * s.sizes[i];
    }
  }
  T* layer(int i) const { return layer_[i]; }

 private:
  static std::int64_t count(const StreamNetShape& s) {
    std::int64_t channels = 0;
    for (int i = 0; i + 1 < s.layers; ++i) channels += s.sizes[i];
    return channels * s.batch * s.points();
  }
  std::int64_t rows_;
  cuda::Scratch<T> memory_;
  std::array<T*, StreamNetShape::max_layers> layer_{};
};

template <class T>
void run_layer(Cuda device, const StreamNetShape& s,
               const StreamNetWeights<T>& w, int i, const T* in,
               const StoreRows<T>& store) {
  const WindowSizes sizes = sizes_of(s, i);
  cuda::gemm_tiled<T>(device, {1, s.batch * s.points(), s.sizes[i], s.rows(i)},
                      cuda::Windows<T>{sizes, in},
                      cuda::WindowWeights<T>{sizes, w.weight[i]}, store);
}

template <class T>
void run_hidden(Cuda device, const StreamNetShape& s,
                const StreamNetWeights<T>& w, const T* x,
                const Hidden<T>& hidden) {
  for (int i = 0; i + 1 < s.layers; ++i) {
    run_layer(device, s, w, i, i == 0 ? x : hidden.layer(i - 1),
              {hidden.layer(i), s.sizes[i], w.bias[i], nullptr, s.relu});
  }
}

// Element (b, t, c) of the channels beside the network: x and the time.
template <class T>
struct Beside {
  StreamNetShape s;
  std::int64_t channels;  // of the two
  const T* x;
  const std::int64_t* points;
  T* y;
  std::int64_t step;
  __device__ void operator()(std::int64_t at) const {
    const std::int64_t c = at % channels, row = at / channels;
    const std::int64_t length = s.length - s.kernel + 1;
    const std::int64_t b = row / length, t = row % length;
    y[row * step + c] = s.original && c < s.in
                            ? x[(b * s.length + t + s.kernel - 1) * s.in + c]
                            : time(points ? points[b] : length, t);
  }
  __device__ T time(std::int64_t count, std::int64_t t) const {
    const std::int64_t steps = count > 1 ? count - 1 : 1;
    const std::int64_t last = count > 1 ? count - 1 : 0;
    return static_cast<T>(static_cast<double>(t < last ? t : last) /
                          static_cast<double>(steps));
  }
};

// dx of the original channels, 0 elsewhere.
template <class T>
struct OriginalGradient {
  StreamNetShape s;
  const T* dy;
  std::int64_t step;
  T* dx;
  __device__ void operator()(std::int64_t at) const {
    const std::int64_t c = at % s.in, point = at / s.in;
    const std::int64_t b = point / s.length;
    const std::int64_t t = point % s.length - (s.kernel - 1);
    const std::int64_t length = s.length - s.kernel + 1;
    dx[at] = s.original && t >= 0 ? dy[(b * length + t) * step + c] : T{0};
  }
};

// Gradients of layer i's weights, and of its inputs by `store`, if given.
template <class T>
void weight_gradients(Cuda device, const StreamNetShape& s, int i, const T* in,
                      const T* dy, std::int64_t step, T* dweight, T* dbias) {
  if (!dweight && !dbias) return;
  const WindowSizes sizes = sizes_of(s, i);
  const std::int64_t columns = s.rows(i);
  cuda::gemm_tiled<T>(
      device, {1, s.sizes[i], columns + (dbias ? 1 : 0), s.batch * s.points()},
      cuda::CotangentRows<T>{dy, step},
      cuda::WindowsOfRows<T>{cuda::Windows<T>{sizes, in}, columns},
      cuda::StoreWeights<T>{sizes, dweight, dbias});
}

template <class T>
void input_gradient(Cuda device, const StreamNetShape& s,
                    const StreamNetWeights<T>& w, int i, const T* dy,
                    std::int64_t step, const StoreRows<T>& store) {
  const WindowSizes sizes = sizes_of(s, i);
  cuda::gemm_tiled<T>(
      device, {1, s.batch * sizes.length, sizes.in, sizes.kernel * sizes.out},
      cuda::Cotangents<T>{sizes, dy, step},
      cuda::CotangentWeights<T>{sizes, w.weight[i]}, store);
}

}  // namespace

template <class T>
void stream_net_forward(Cuda device, const StreamNetShape& s,
                        const StreamNetWeights<T>& weights, const T* x,
                        const std::int64_t* points, T* y) {
  require(s.batch * s.length <= 0x7fffffff, "augment: batch ", s.batch,
          " times length ", s.length, " is more than 2147483647 points");
  const std::int64_t step = s.channels(), beside = step - s.out();
  if (beside > 0) {
    cuda::for_each(device, s.batch * s.points() * beside,
                   Beside<T>{s, beside, x, points, y, step});
  }
  if (s.layers == 0) return;
  const Hidden<T> hidden(s, device.device);
  run_hidden(device, s, weights, x, hidden);
  const int last = s.layers - 1;
  run_layer(device, s, weights, last, last == 0 ? x : hidden.layer(last - 1),
            {y + beside, step, weights.bias[last]});
}

template <class T>
void stream_net_backward(Cuda device, const StreamNetShape& s,
                         const StreamNetWeights<T>& weights, const T* x,
                         const T* dy, const StreamNetGradients<T>& gradients) {
  const std::int64_t step = s.channels();
  if (gradients.dx) {
    cuda::for_each(device, s.batch * s.length * s.in,
                   OriginalGradient<T>{s, dy, step, gradients.dx});
  }
  if (s.layers == 0) return;
  const Hidden<T> hidden(s, device.device), cotangents(s, device.device);
  run_hidden(device, s, weights, x, hidden);
  const T* d = dy + step - s.out();
  std::int64_t d_step = step;
  for (int i = s.layers - 1; i >= 0; --i) {
    const T* in = i == 0 ? x : hidden.layer(i - 1);
    weight_gradients(device, s, i, in, d, d_step, gradients.weight[i],
                     gradients.bias[i]);
    if (i == 0 && !gradients.dx) return;
    T* to = i == 0 ? gradients.dx : cotangents.layer(i - 1);
    input_gradient(device, s, weights, i, d, d_step,
                   {to, s.inputs(i), nullptr, i > 0 && s.relu ? in : nullptr,
                    false, i == 0});
    d = to;
    d_step = s.inputs(i);
  }
}

#define INSTANTIATE(T)                                                    \
  template void stream_net_forward(Cuda, const StreamNetShape&,           \
                                   const StreamNetWeights<T>&, const T*,  \
                                   const std::int64_t*, T*);              \
  template void stream_net_backward(Cuda, const StreamNetShape&,          \
                                    const StreamNetWeights<T>&, const T*, \
                                    const T*, const StreamNetGradients<T>&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
