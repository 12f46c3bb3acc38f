// Lanes are neighbouring points of a stream, so the few channels of a point
// never limit how full a vector is. Points change into planes (one channel of
// many points) and back by transposes of 16-byte pieces within vectors.
#include "sigtape/framework/ops/stream_net_simd.h"

#include "sigtape/framework/simd/pieces_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

namespace {

// Tiles of a layer and of products: 32 registers, or 16.
#if SIGTAPE_VECTOR_BYTES == 64
constexpr int kOutputs = 8, kProductOutputs = 4;
#else
constexpr int kOutputs = 4, kProductOutputs = 2;
#endif
constexpr int kProductRows = 4;

// `Outputs` planes of y from o on, for `Vectors` vectors of points from t on.
template <class T, int Outputs, int Vectors>
SIGTAPE_INLINE void layer_tile(const PlaneLayer<T>& l, std::int64_t o,
                               std::int64_t t) {
  constexpr int w = lanes<T>();
  Vec<T> sums[Outputs][Vectors];
  SIGTAPE_UNROLL
  for (int i = 0; i < Outputs; ++i) {
    SIGTAPE_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      sums[i][v] = broadcast<T>(l.bias ? l.bias[o + i] : T{0});
    }
  }
  const T* weight = l.weight + o;
  for (std::int64_t c = 0; c < l.in; ++c) {
    const T* x = l.x + c * l.x_step + t;
    for (std::int64_t k = 0; k < l.taps; ++k, ++x, weight += l.out) {
      Vec<T> row[Vectors];
      SIGTAPE_UNROLL
      for (int v = 0; v < Vectors; ++v) row[v] = in_register(load(x + v * w));
      SIGTAPE_UNROLL
      for (int i = 0; i < Outputs; ++i) {
        const Vec<T> factor = broadcast(weight[i]);
        SIGTAPE_UNROLL
        for (int v = 0; v < Vectors; ++v) sums[i][v] += factor * row[v];
      }
    }
  }
  const Vec<T> zero = {};
  SIGTAPE_UNROLL
  for (int i = 0; i < Outputs; ++i) {
    T* y = l.y + (o + i) * l.y_step + t;
    SIGTAPE_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      Vec<T> sum = sums[i][v];
      if (l.relu) sum = sum < zero ? zero : sum;
      if (l.gate) {
        const T* gate = l.gate + (o + i) * l.y_step + t;
        sum = load(gate + v * w) > zero ? sum : zero;
      }
      store<T>(y + v * w, sum);
    }
  }
}

template <class T, int Outputs>
SIGTAPE_KERNEL void layer_outputs(const PlaneLayer<T>& l, std::int64_t o) {
  constexpr int w = lanes<T>(), vectors = Outputs >= kOutputs ? 2 : 4;
  std::int64_t t = 0;
  for (; t + vectors * w <= l.count; t += vectors * w) {
    layer_tile<T, Outputs, vectors>(l, o, t);
  }
  for (; t < l.count; t += w) layer_tile<T, Outputs, 1>(l, o, t);
}

template <class T>
void layer(const PlaneLayer<T>& l) {
  std::int64_t o = 0;
  for (; o + kOutputs <= l.out; o += kOutputs) layer_outputs<T, kOutputs>(l, o);
  if constexpr (kOutputs > 4) {
    for (; o + 4 <= l.out; o += 4) layer_outputs<T, 4>(l, o);
  }
  for (; o + 2 <= l.out; o += 2) layer_outputs<T, 2>(l, o);
  for (; o < l.out; ++o) layer_outputs<T, 1>(l, o);
}

template <class T, int Outputs, int Rows>
SIGTAPE_KERNEL void product_tile(const PlaneProducts<T>& p, std::int64_t o,
                                 std::int64_t r) {
  constexpr int w = lanes<T>();
  const T *x[Rows], *dy = p.dy + o * p.dy_step;
  T* sums = p.sums + (o * p.in * p.taps + r) * w;
  const std::int64_t row = p.in * p.taps * w, step = p.dy_step;
  for (int j = 0; j < Rows; ++j) {
    x[j] = p.x + (r + j) / p.taps * p.x_step + (r + j) % p.taps;
  }
  Vec<T> total[Outputs][Rows];
  SIGTAPE_UNROLL
  for (int i = 0; i < Outputs; ++i) {
    SIGTAPE_UNROLL
    for (int j = 0; j < Rows; ++j) total[i][j] = load(sums + i * row + j * w);
  }
  for (std::int64_t t = 0; t < p.count; t += w) {
    Vec<T> rows[Rows];
    SIGTAPE_UNROLL
    for (int j = 0; j < Rows; ++j) rows[j] = in_register(load(x[j] + t));
    SIGTAPE_UNROLL
    for (int i = 0; i < Outputs; ++i) {
      const Vec<T> d = in_register(load(dy + i * step + t));
      SIGTAPE_UNROLL
      for (int j = 0; j < Rows; ++j) total[i][j] += d * rows[j];
    }
  }
  SIGTAPE_UNROLL
  for (int i = 0; i < Outputs; ++i) {
    SIGTAPE_UNROLL
    for (int j = 0; j < Rows; ++j) {
      store<T>(sums + i * row + j * w, total[i][j]);
    }
  }
}

template <class T, int Outputs>
void product_rows(const PlaneProducts<T>& p, std::int64_t o) {
  const std::int64_t rows = p.in * p.taps;
  std::int64_t r = 0;
  for (; r + kProductRows <= rows; r += kProductRows) {
    product_tile<T, Outputs, kProductRows>(p, o, r);
  }
  for (; r + 2 <= rows; r += 2) product_tile<T, Outputs, 2>(p, o, r);
  for (; r < rows; ++r) product_tile<T, Outputs, 1>(p, o, r);
}

template <class T>
void products(const PlaneProducts<T>& p) {
  std::int64_t o = 0;
  for (; o + kProductOutputs <= p.out; o += kProductOutputs) {
    product_rows<T, kProductOutputs>(p, o);
  }
  if constexpr (kProductOutputs > 2) {
    for (; o + 2 <= p.out; o += 2) product_rows<T, 2>(p, o);
  }
  for (; o < p.out; ++o) product_rows<T, 1>(p, o);
  for (o = 0; o < p.out; ++o) {
    T* sum = p.bias_sums + o * lanes<T>();
    const T* dy = p.dy + o * p.dy_step;
    Vec<T> even = load(sum), odd = {};
    std::int64_t t = 0;
    for (; t + 2 * lanes<T>() <= p.count; t += 2 * lanes<T>()) {
      even += load(dy + t);
      odd += load(dy + t + lanes<T>());
    }
    if (t < p.count) even += load(dy + t);
    store<T>(sum, even + odd);
  }
}

// Planes of the lanes<T>() points from t on.
template <class T>
SIGTAPE_INLINE void block_to_planes(const PointRows<T>& rows, const T* x,
                                    std::int64_t t, T* planes,
                                    std::int64_t plane_step) {
  constexpr int p = kPiece<T>;
  const std::int64_t step = rows.step, channels = rows.channels;
  const PieceSteps steps = PieceSteps::of<T>(step);
  const Vec<T> zero = {};
  const T* points[p];
  SIGTAPE_UNROLL
  for (int i = 0; i < p; ++i) points[i] = x + (t + i) * step;
  for (std::int64_t c = 0; c < channels; c += p) {
    Vec<T> v[p];
    SIGTAPE_UNROLL
    for (int i = 0; i < p; ++i) {
      points[i] = opaque(points[i]);
      v[i] = load_pieces<T>(points[i], steps);
      points[i] += p;
    }
    transpose<T>(v);
    SIGTAPE_UNROLL
    for (int i = 0; i < p; ++i) {
      if (rows.relu) v[i] = v[i] < zero ? zero : v[i];
      if (c + i < channels) store<T>(planes + (c + i) * plane_step + t, v[i]);
    }
  }
}

// What is left over of whole blocks is one that overlaps the one before.
template <class T>
SIGTAPE_KERNEL void to_planes(const PointRows<T>& rows, const T* x,
                              const T* end, T* planes,
                              std::int64_t plane_step) {
  constexpr int w = lanes<T>(), p = kPiece<T>;
  const std::int64_t count = rows.count, channels = rows.channels;
  for (std::int64_t c = 0; c < channels; ++c) {
    T* plane = planes + c * plane_step;
    const Vec<T> zero = {};
    for (std::int64_t t = count / w * w; t < rows.filled; t += w) {
      store<T>(plane + t, zero);
    }
  }
  // The last piece of a point reads on into the next ones.
  const std::int64_t reach = (channels + p - 1) / p * p;
  const auto readable = [&](std::int64_t t) {
    return (t + w - 1) * rows.step + reach <= end - x;
  };
  std::int64_t t = 0;
  for (; t + w <= count && readable(t); t += w) {
    block_to_planes<T>(rows, x, t, planes, plane_step);
  }
  if (t < count && count >= w && readable(count - w)) {
    return block_to_planes<T>(rows, x, count - w, planes, plane_step);
  }
  for (; t < count; ++t) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const T value = x[t * rows.step + c];
      planes[c * plane_step + t] = rows.relu && value < 0 ? T{0} : value;
    }
  }
}

// Writes lanes<T>() points from t on, and into the points after them.
template <class T>
SIGTAPE_INLINE void block_from_planes(const PointRows<T>& rows,
                                      const T* const* planes, std::int64_t t,
                                      T* y) {
  constexpr int p = kPiece<T>;
  const std::int64_t step = rows.step, channels = rows.channels;
  // The last piece first: what it writes into the next point is overwritten.
  for (std::int64_t c = (channels - 1) / p * p; c >= 0; c -= p) {
    Vec<T> v[p];
    SIGTAPE_UNROLL
    for (int i = 0; i < p; ++i) {
      v[i] = load(planes[c + i < channels ? c + i : channels - 1] + t);
    }
    transpose<T>(v);
    store_pieces<T>(y + t * step + c, step, v,
                    typename Counted<kPieces<T>>::type());
  }
}

template <class T>
SIGTAPE_KERNEL void from_planes(const PointRows<T>& rows,
                                const T* const* planes, T* y) {
  constexpr int w = lanes<T>(), p = kPiece<T>;
  const std::int64_t step = rows.step, channels = rows.channels;
  // What the last piece of a point reaches beyond it, in points.
  const std::int64_t reach = ((channels - 1) / p * p + p - 1) / step;
  const std::int64_t end = rows.count - reach;  // of points in blocks
  std::int64_t t = 0;
  for (; t + w <= end; t += w) block_from_planes<T>(rows, planes, t, y);
  if (t < end && end >= w) {
    block_from_planes<T>(rows, planes, end - w, y);
    t = end;
  }
  for (; t < rows.count; ++t) {
    for (std::int64_t c = 0; c < channels; ++c) y[t * step + c] = planes[c][t];
  }
}

// A piece of each of kPiece vectors is summed first, then these sums are
// brought together by a transpose.
template <class T>
SIGTAPE_KERNEL void add_lanes(std::int64_t count, const T* vectors, T* totals) {
  constexpr int w = lanes<T>(), p = kPiece<T>;
  std::int64_t i = 0;
  for (; i + p <= count; i += p) {
    Vec<T> v[p];
    SIGTAPE_UNROLL
    for (int j = 0; j < p; ++j) v[j] = load(vectors + (i + j) * w);
    transpose<T>(v);
    Vec<T> sum = v[0];
    SIGTAPE_UNROLL
    for (int j = 1; j < p; ++j) sum += v[j];
    T pieces[w];
    store<T>(pieces, sum);
    for (int j = 0; j < p; ++j) {
      T total = pieces[j];
      for (int q = 1; q < kPieces<T>; ++q) total += pieces[q * p + j];
      totals[i + j] = total;
    }
  }
  for (; i < count; ++i) {
    T total = 0;
    for (int j = 0; j < w; ++j) total += vectors[i * w + j];
    totals[i] = total;
  }
}

}  // namespace

const StreamNetKernels<float> stream_net_float32 = {
    lanes<float>(),   layer<float>,       products<float>,
    to_planes<float>, from_planes<float>, add_lanes<float>};
const StreamNetKernels<double> stream_net_float64 = {
    lanes<double>(),   layer<double>,       products<double>,
    to_planes<double>, from_planes<double>, add_lanes<double>};

}  // namespace sigtape::SIGTAPE_ISA_NAME
