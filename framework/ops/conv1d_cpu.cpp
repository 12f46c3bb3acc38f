// Convolution as matrix products, without building any matrix.
//
// Channels stand last, so the window of `kernel` points that a row of y reads
// is kernel * in contiguous numbers where dilation is 1: the windows are a
// matrix whose rows overlap, stride * in apart. Rows whose window reaches into
// the padding have a shorter one; for one such t, the batch makes the rows.
// With a dilation each tap is a product of its own.
#include <algorithm>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/node.h"
#include "sigtape/framework/ops/conv1d_kernels.h"
#include "sigtape/framework/ops/gemm_kernels.h"
#include "sigtape/framework/shapes_only.h"

namespace sigtape {

namespace {

// Taps first..last-1 of the kernel, adjacent in memory, and rows of y.
struct Span {
  std::int64_t first_tap, last_tap, first_row, last_row;
  std::int64_t rows() const { return last_row - first_row; }
};

// The rows of y for which taps first..last-1 are all inside x.
Span inside(const Conv1dShape& s, std::int64_t first, std::int64_t last) {
  const std::int64_t before = s.padding - first * s.dilation;
  const std::int64_t end = s.length + s.padding - (last - 1) * s.dilation;
  const std::int64_t lo =
      std::min(s.rows, before > 0 ? divide_up(before, s.stride) : 0);
  const std::int64_t hi =
      end > 0 ? std::min(s.rows, (end - 1) / s.stride + 1) : 0;
  return {first, last, lo, std::max(lo, hi)};
}

// Calls block(span) for blocks of rows with a window in common, and edge(span)
// for single rows whose window is cut off.
template <class Block, class Edge>
void for_each_span(const Conv1dShape& s, const Block& block, const Edge& edge) {
  if (s.dilation > 1) {
    for (std::int64_t k = 0; k < s.kernel; ++k) block(inside(s, k, k + 1));
    return;
  }
  const Span whole = inside(s, 0, s.kernel);
  block(whole);
  for (std::int64_t t = 0; t < s.rows; ++t) {
    if (t == whole.first_row) t = whole.last_row;
    const std::int64_t start = t * s.stride - s.padding;
    const std::int64_t first = std::max<std::int64_t>(0, -start);
    const std::int64_t last = std::min(s.kernel, s.length - start);
    if (t < s.rows && first < last) edge(Span{first, last, t, t + 1});
  }
}

// Where the window of a span's first row starts in x.
std::int64_t window(const Conv1dShape& s, const Span& span) {
  return (span.first_row * s.stride + span.first_tap * s.dilation - s.padding) *
         s.in;
}

Strided<3> batches(std::int64_t count, std::int64_t c, std::int64_t a) {
  Strided<3> walk;
  walk.rank = 1;
  walk.sizes[0] = count;
  walk.strides[0][0] = c;
  walk.strides[1][0] = a;
  return walk;
}

// y += windows of x times w, where row (tap, channel) of w stands at
// w + (tap * in + channel) * w_row, and column o at o * w_col in it.
template <class T>
void add_products(const Conv1dShape& s, const T* x, const T* w,
                  std::int64_t w_row, std::int64_t w_col, T* y) {
  Gemm<T> g;
  g.n = s.out;
  g.b_row = w_row;
  g.b_col = w_col;
  g.accumulate = true;
  const auto place = [&](const Span& span) {
    g.k = (span.last_tap - span.first_tap) * s.in;
    g.a = x + window(s, span);
    g.b = w + span.first_tap * s.in * w_row;
    g.c = y + span.first_row * s.out;
  };
  const auto block = [&](const Span& span) {
    if (span.rows() == 0) return;
    place(span);
    g.m = span.rows();
    g.a_row = s.stride * s.in;
    g.c_row = s.out;
    gemm(Cpu{}, g, batches(s.batch, s.rows * s.out, s.length * s.in));
  };
  const auto edge = [&](const Span& span) {
    place(span);
    g.m = s.batch;
    g.a_row = s.length * s.in;
    g.c_row = s.rows * s.out;
    gemm(Cpu{}, g, Strided<3>{});
  };
  for_each_span(s, block, edge);
}

// One stream of all points, where every point is a window.
Conv1dShape merged(Conv1dShape s) {
  if (s.kernel != 1 || s.padding != 0 || s.stride != 1) return s;
  s.rows = s.length = s.length * s.batch;
  s.batch = 1;
  return s;
}

// Rows of y. Nothing where there are shapes only, as below: what is left of a
// kernel then is the memory that it takes.
template <class T>
void fill_rows(std::int64_t rows, std::int64_t columns, const T* row, T* y) {
  if (shapes_only()) return;
  parallel_ranges(rows, (1 << 15) / (columns + 1) + 1,
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t r = begin; r < end; ++r) {
                      for (std::int64_t j = 0; j < columns; ++j) {
                        y[r * columns + j] = row ? row[j] : T{0};
                      }
                    }
                  });
}

// The convolution of dy that gives dx, where stride is 1: windows of dy
// against the taps in reverse order.
Conv1dShape reversed(const Conv1dShape& s) {
  Conv1dShape r = s;
  r.length = s.rows;
  r.rows = s.length;
  r.in = s.out;
  r.out = s.in;
  r.padding = s.dilation * (s.kernel - 1) - s.padding;
  return r;
}

// dx += dy W_k at the points that tap k reads, one tap after another. w is
// [kernel, out, in].
template <class T>
void scatter_products(const Conv1dShape& s, const T* dy, const T* w, T* dx) {
  for (std::int64_t k = 0; k < s.kernel; ++k) {
    const Span span = inside(s, k, k + 1);
    if (span.rows() == 0) continue;
    Gemm<T> g{span.rows(), s.in, s.out};
    g.a = dy + span.first_row * s.out;
    g.a_row = s.out;
    g.b = w + k * s.out * s.in;
    g.b_row = s.in;
    g.c = dx + window(s, span);
    g.c_row = s.stride * s.in;
    g.accumulate = true;
    gemm(Cpu{}, g, batches(s.batch, s.length * s.in, s.rows * s.out));
  }
}

// dw [out, kernel, in] = sum of dy^T times the windows of x.
template <class T>
void sum_products(const Conv1dShape& s, const T* dy, const T* x, T* dw) {
  fill_rows<T>(s.out, s.kernel * s.in, nullptr, dw);
  Gemm<T> g;
  g.m = s.out;
  g.a_row = 1;
  g.c_row = s.kernel * s.in;
  g.accumulate = true;
  const auto place = [&](const Span& span) {
    g.n = (span.last_tap - span.first_tap) * s.in;
    g.a = dy + span.first_row * s.out;
    g.b = x + window(s, span);
    g.c = dw + span.first_tap * s.in;
  };
  const auto block = [&](const Span& span) {
    if (span.rows() == 0) return;
    place(span);
    g.k = span.rows();
    g.a_col = s.out;
    g.b_row = s.stride * s.in;
    gemm_sum(Cpu{}, g, {s.batch, s.rows * s.out, s.length * s.in, g.k});
  };
  const auto edge = [&](const Span& span) {
    place(span);
    g.k = s.batch;
    g.a_col = s.rows * s.out;
    g.b_row = s.length * s.in;
    gemm_sum(Cpu{}, g, {1, 0, 0, g.k});
  };
  for_each_span(s, block, edge);
}

// Calls f(position in [out, in, kernel], o, i, k) for every weight.
template <class F>
void for_each_weight(const Conv1dShape& s, const F& f) {
  if (shapes_only()) return;
  for (std::int64_t o = 0, at = 0; o < s.out; ++o) {
    for (std::int64_t i = 0; i < s.in; ++i) {
      for (std::int64_t k = 0; k < s.kernel; ++k) f(at++, o, i, k);
    }
  }
}

}  // namespace

template <class T>
void conv1d_forward(Cpu, const Conv1dShape& shape, const T* x, const T* weight,
                    const T* bias, T* y) {
  const Conv1dShape s = merged(shape);
  const std::int64_t window = s.kernel * s.in;
  // Vectors along the window where there are too few columns to fill one.
  const bool dots =
      s.out < 16 && gemm_prefers_dots(Cpu{}, s.dilation == 1 ? window : s.in);
  const std::int64_t row = dots ? 1 : s.out, column = dots ? window : 1;
  CacheVector<T> w(window * s.out);
  for_each_weight(s, [&](auto at, auto o, auto i, auto k) {
    w[(k * s.in + i) * row + o * column] = weight[at];
  });
  fill_rows(s.batch * s.rows, s.out, bias, y);
  add_products(s, x, w.data(), row, column, y);
}

template <class T>
void conv1d_input_gradient(Cpu, const Conv1dShape& shape, const T* dy,
                           const T* weight, T* dx) {
  const Conv1dShape s = merged(shape), r = reversed(s);
  CacheVector<T> w(s.kernel * s.in * s.out);  // [kernel, out, in]
  const bool gathers = s.stride == 1 && r.padding >= 0;
  for_each_weight(s, [&](auto at, auto o, auto i, auto k) {
    const std::int64_t tap = gathers ? s.kernel - 1 - k : k;
    w[(tap * s.out + o) * s.in + i] = weight[at];
  });
  fill_rows<T>(s.batch * s.length, s.in, nullptr, dx);
  if (gathers) {
    add_products(r, dy, w.data(), s.in, 1, dx);
  } else {
    scatter_products(s, dy, w.data(), dx);
  }
}

template <class T>
void conv1d_weight_gradient(Cpu, const Conv1dShape& shape, const T* dy,
                            const T* x, T* dweight) {
  const Conv1dShape s = merged(shape);
  CacheVector<T> dw(s.out * s.kernel * s.in);
  sum_products(s, dy, x, dw.data());
  for_each_weight(s, [&](auto at, auto o, auto i, auto k) {
    dweight[at] = dw[(o * s.kernel + k) * s.in + i];
  });
}

#define INSTANTIATE(T)                                                      \
  template void conv1d_forward(Cpu, const Conv1dShape&, const T*, const T*, \
                               const T*, T*);                               \
  template void conv1d_input_gradient(Cpu, const Conv1dShape&, const T*,    \
                                      const T*, T*);                        \
  template void conv1d_weight_gradient(Cpu, const Conv1dShape&, const T*,   \
                                       const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
