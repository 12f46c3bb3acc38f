// Each of the three products is one of matrices that are read in place. Where
// the channels are many, and the windows worth being built for it, they are
// products of plain matrices, by cuBLAS.
#include <algorithm>

#include "sigtape/framework/cuda/blas.h"
#include "sigtape/framework/cuda/scratch.h"
#include "sigtape/framework/ops/conv1d_kernels.h"
#include "sigtape/framework/ops/gemm_kernels.h"
#include "sigtape/framework/ops/gemm_tile_cuda.h"
#include "sigtape/framework/ops/windows_cuda.h"

namespace sigtape {

namespace {

cuda::WindowSizes sizes_of(const Conv1dShape& s) {
  require(s.batch * s.length <= 0x7fffffff && s.batch * s.rows <= 0x7fffffff,
          "conv1d: batch ", s.batch, " times length ", s.length,
          " is more than 2147483647 points");
  return {s.length, s.in,     s.rows,    s.out,
          s.kernel, s.stride, s.padding, s.dilation};
}

// Built windows are read once for every 64 or more outputs.
bool is_wide(const Conv1dShape& s) {
  constexpr std::int64_t wide = 64;
  return s.batch > 0 && s.out >= wide && s.in * s.kernel >= wide &&
         cuda::has_blas();
}

// Streams whose windows are built at a time, in 64 MB or of one stream; few on
// the emulator, where tests are small.
template <class T>
std::int64_t streams_at_once(const Conv1dShape& s) {
  const std::int64_t bytes = cuda::is_emulated() ? 2 << 10 : 64 << 20;
  const std::int64_t each = s.rows * s.in * s.kernel * sizeof(T);
  return std::clamp<std::int64_t>(bytes / each, 1, s.batch);
}

// A wide convolution as products of windows [rows, (channel, tap)], weights
// [out, (channel, tap)] and y [rows, out].
template <class T>
class Wide {
 public:
  Wide(Cuda device, const Conv1dShape& s)
      : device_(device),
        s_(s),
        sizes_(sizes_of(s)),
        columns_(s.in * s.kernel),
        plain_(s.kernel == 1 && s.stride == 1 && s.padding == 0),
        streams_(plain_ ? s.batch : streams_at_once<T>(s)),
        memory_(plain_ ? 0 : streams_ * s.rows * columns_, device.device) {}

  void forward(const T* x, const T* weight, const T* bias, T* y) const {
    cuda::for_each(device_, s_.batch * s_.rows * s_.out,
                   cuda::FillRows<T>{s_.out, bias, y});
    for_pieces([&](std::int64_t b, std::int64_t rows) {
      Gemm<T> g{.m = rows, .n = s_.out, .k = columns_};
      g.a = windows(x, b, rows);
      g.a_row = columns_;
      g.b = weight;
      g.b_row = 1;
      g.b_col = columns_;
      g.c = y + outputs(b);
      g.c_row = s_.out;
      g.accumulate = true;
      gemm(device_, g, {});
    });
  }

  void input_gradient(const T* dy, const T* weight, T* dx) const {
    for_pieces([&](std::int64_t b, std::int64_t rows) {
      Gemm<T> g{.m = rows, .n = columns_, .k = s_.out};
      g.a = dy + outputs(b);
      g.a_row = s_.out;
      g.b = weight;
      g.b_row = columns_;
      g.c = plain_ ? dx : memory_.data();
      g.c_row = columns_;
      gemm(device_, g, {});
      if (plain_) return;
      cuda::for_each(
          device_, rows / s_.rows * s_.length * s_.in,
          cuda::FoldWindows<T>{sizes_, memory_.data(), dx + inputs(b)});
    });
  }

  void weight_gradient(const T* dy, const T* x, T* dweight) const {
    for_pieces([&](std::int64_t b, std::int64_t rows) {
      Gemm<T> g{.m = s_.out, .n = columns_, .k = rows};
      g.a = dy + outputs(b);
      g.a_row = 1;
      g.a_col = s_.out;
      g.b = windows(x, b, rows);
      g.b_row = columns_;
      g.c = dweight;
      g.c_row = columns_;
      g.accumulate = b > 0;
      gemm(device_, g, {});
    });
  }

 private:
  // body(first stream, rows of y) for each piece.
  template <class Body>
  void for_pieces(const Body& body) const {
    for (std::int64_t b = 0; b < s_.batch; b += streams_) {
      body(b, std::min(streams_, s_.batch - b) * s_.rows);
    }
  }
  std::int64_t inputs(std::int64_t b) const { return b * s_.length * s_.in; }
  std::int64_t outputs(std::int64_t b) const { return b * s_.rows * s_.out; }
  const T* windows(const T* x, std::int64_t b, std::int64_t rows) const {
    if (plain_) return x;
    cuda::for_each(
        device_, rows * columns_,
        cuda::BuildWindows<T>{{sizes_, x + inputs(b)}, memory_.data()});
    return memory_.data();
  }

  Cuda device_;
  Conv1dShape s_;
  cuda::WindowSizes sizes_;
  std::int64_t columns_;
  bool plain_;            // x is its own windows
  std::int64_t streams_;  // of a piece
  cuda::Scratch<T> memory_;
};

}  // namespace

template <class T>
void conv1d_forward(Cuda device, const Conv1dShape& s, const T* x,
                    const T* weight, const T* bias, T* y) {
  if (is_wide(s)) return Wide<T>(device, s).forward(x, weight, bias, y);
  const cuda::WindowSizes w = sizes_of(s);
  cuda::gemm_tiled<T>(device, {1, s.batch * s.rows, s.out, s.kernel * s.in},
                      cuda::Windows<T>{w, x}, cuda::WindowWeights<T>{w, weight},
                      cuda::StoreRows<T>{y, s.out, bias});
}

template <class T>
void conv1d_input_gradient(Cuda device, const Conv1dShape& s, const T* dy,
                           const T* weight, T* dx) {
  if (is_wide(s)) return Wide<T>(device, s).input_gradient(dy, weight, dx);
  const cuda::WindowSizes w = sizes_of(s);
  cuda::gemm_tiled<T>(device, {1, s.batch * s.length, s.in, s.kernel * s.out},
                      cuda::Cotangents<T>{w, dy, s.out},
                      cuda::CotangentWeights<T>{w, weight},
                      cuda::StoreRows<T>{dx, s.in});
}

template <class T>
void conv1d_weight_gradient(Cuda device, const Conv1dShape& s, const T* dy,
                            const T* x, T* dweight) {
  if (is_wide(s)) return Wide<T>(device, s).weight_gradient(dy, x, dweight);
  const cuda::WindowSizes w = sizes_of(s);
  const std::int64_t columns = s.kernel * s.in;
  cuda::gemm_tiled<T>(device, {1, s.out, columns, s.batch * s.rows},
                      cuda::CotangentRows<T>{dy, s.out},
                      cuda::WindowsOfRows<T>{cuda::Windows<T>{w, x}, columns},
                      cuda::StoreWeights<T>{w, dweight, nullptr});
}

#define INSTANTIATE(T)                                                       \
  template void conv1d_forward(Cuda, const Conv1dShape&, const T*, const T*, \
                               const T*, T*);                                \
  template void conv1d_input_gradient(Cuda, const Conv1dShape&, const T*,    \
                                      const T*, T*);                         \
  template void conv1d_weight_gradient(Cuda, const Conv1dShape&, const T*,   \
                                       const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
