// Lanes are neighbouring points of a stream, so the few channels of a point
// never limit how full a vector is. Points change into planes (one channel of
// many points) and back by transposes of 16-byte pieces within vectors.
#include "sigtape/framework/ops/stream_net_simd.h"

#include "sigtape/framework/simd/pieces_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

namespace {

// Tiles of a layer and of products: 32 registers, or 16.
#if SIGTAPE_VECTOR_BYTES == 64
constexpr int kOutputs = 8, kProductRows = 6;
#else
constexpr int kOutputs = 4, kProductRows = 3;
#endif
constexpr int kProductOutputs = 4;

// max(v, 0), and what is not a number stays so.
template <class T>
SIGTAPE_INLINE Vec<T> positive(Vec<T> v) {
#if SIGTAPE_VECTOR_BYTES == 64
  if constexpr (sizeof(T) == 4) {
    return reinterpret_cast<Vec<T>>(_mm512_maskz_max_ps(
        0xffff, _mm512_setzero_ps(), reinterpret_cast<__m512>(v)));
  } else {
    return reinterpret_cast<Vec<T>>(_mm512_maskz_max_pd(
        0xff, _mm512_setzero_pd(), reinterpret_cast<__m512d>(v)));
  }
#elif SIGTAPE_VECTOR_BYTES == 32
  if constexpr (sizeof(T) == 4) {
    return reinterpret_cast<Vec<T>>(
        _mm256_max_ps(_mm256_setzero_ps(), reinterpret_cast<__m256>(v)));
  } else {
    return reinterpret_cast<Vec<T>>(
        _mm256_max_pd(_mm256_setzero_pd(), reinterpret_cast<__m256d>(v)));
  }
#else
  const Vec<T> zero = {};
  return v < zero ? zero : v;
#endif
}

// `Outputs` planes of y from o on, for `Vectors` vectors of points from t on.
template <class T, int Outputs, int Vectors>
SIGTAPE_INLINE void layer_tile(const PlaneLayer<T>& l, std::int64_t o,
                               std::int64_t t) {
  constexpr int w = lanes<T>();
  Vec<T> sums[Outputs][Vectors];
  SIGTAPE_UNROLL
  for (int i = 0; i < Outputs; ++i) {
    const Vec<T> bias = broadcast<T>(l.bias ? l.bias[o + i] : T{0});
    SIGTAPE_UNROLL
    for (int v = 0; v < Vectors; ++v) sums[i][v] = bias;
  }
  const T* weight = l.weight + o;
  // Planes of one tap each are the rows of one loop.
  const bool single = l.taps == 1;
  const std::int64_t outer = single ? 1 : l.in, inner = single ? l.in : l.taps;
  const std::int64_t step = single ? l.x_step : 1;
  for (std::int64_t c = 0; c < outer; ++c) {
    const T* x = l.x + c * l.x_step + t;
    for (std::int64_t k = 0; k < inner; ++k, x += step, weight += l.out) {
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
  const auto each = [&](const auto& f) __attribute__((always_inline)) {
    SIGTAPE_UNROLL
    for (int i = 0; i < Outputs; ++i) {
      SIGTAPE_UNROLL
      for (int v = 0; v < Vectors; ++v) f(sums[i][v], o + i, t + v * w);
    }
  };
  if (l.relu) {
    each([](Vec<T> & sum, std::int64_t, std::int64_t)
             __attribute__((always_inline)) { sum = positive<T>(sum); });
  }
  if (l.gate) {
    const Vec<T> zero = {};
    each([&](Vec<T> & sum, std::int64_t i, std::int64_t at)
             __attribute__((always_inline)) {
               sum = load(l.gate + i * l.gate_step + at) > zero ? sum : zero;
             });
  }
  each([&](Vec<T> sum, std::int64_t i, std::int64_t at) __attribute__((
      always_inline)) { store<T>(l.y + i * l.y_step + at, sum); });
}

template <class T, int Outputs>
SIGTAPE_KERNEL void layer_outputs(const PlaneLayer<T>& layer, std::int64_t o) {
  // Of its own: what is stored cannot change it.
  const PlaneLayer<T> l = layer;
  constexpr int w = lanes<T>(), vectors = Outputs >= kOutputs ? 3 : 4;
  std::int64_t t = 0, rest = l.count / w;
  // Never one vector alone where there are others to go with it.
  for (; rest > vectors + 1 || rest == vectors; rest -= vectors) {
    layer_tile<T, Outputs, vectors>(l, o, t);
    t += vectors * w;
  }
  for (; rest >= 2; rest -= 2, t += 2 * w) layer_tile<T, Outputs, 2>(l, o, t);
  if (rest > 0) layer_tile<T, Outputs, 1>(l, o, t);
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
  const std::int64_t c = p.taps == 1 ? r : r / p.taps;
  const T* next = p.x + c * p.x_step;
  for (std::int64_t j = 0, k = r - c * p.taps; j < Rows; ++j) {
    x[j] = next + k;
    if (++k == p.taps) k = 0, next += p.x_step;
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

template <class T, int Outputs, int Rows>
void product_rows(const PlaneProducts<T>& p, std::int64_t o) {
  const std::int64_t rows = p.in * p.taps;
  std::int64_t r = 0;
  // What is left is never one row, nor two where that leaves fours.
  for (; r + Rows <= rows && r + Rows + Rows / 3 != rows; r += Rows) {
    product_tile<T, Outputs, Rows>(p, o, r);
  }
  if constexpr (Rows > 4) {
    for (; r + 4 <= rows; r += 4) product_tile<T, Outputs, 4>(p, o, r);
  }
  for (; r + 2 <= rows; r += 2) product_tile<T, Outputs, 2>(p, o, r);
  for (; r < rows; ++r) product_tile<T, Outputs, 1>(p, o, r);
}

template <class T>
void products(const PlaneProducts<T>& p) {
  std::int64_t o = 0;
  // Rows that begin within a line are dear to load: once for all outputs.
  if constexpr (kOutputs == 8) {
    for (; p.taps > 1 && o + 8 <= p.out; o += 8) product_rows<T, 8, 3>(p, o);
  }
  for (; o + kProductOutputs <= p.out; o += kProductOutputs) {
    product_rows<T, kProductOutputs, kProductRows>(p, o);
  }
  for (; o + 2 <= p.out; o += 2) product_rows<T, 2, kProductRows>(p, o);
  for (; o < p.out; ++o) product_rows<T, 1, kProductRows>(p, o);
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

#if SIGTAPE_VECTOR_BYTES == 64
// Channels of points that stand next to each other are picked from whole
// vectors of them by permutations with indices, less work than pieces are.
#define SIGTAPE_PICKS_POINTS 1

template <class T>
SIGTAPE_INLINE Vec<T> pick(Vec<T> a, Mask<T> index, Vec<T> b) {
  if constexpr (sizeof(T) == 4) {
    return reinterpret_cast<Vec<T>>(_mm512_permutex2var_ps(
        reinterpret_cast<__m512>(a), reinterpret_cast<__m512i>(index),
        reinterpret_cast<__m512>(b)));
  } else {
    return reinterpret_cast<Vec<T>>(_mm512_permutex2var_pd(
        reinterpret_cast<__m512d>(a), reinterpret_cast<__m512i>(index),
        reinterpret_cast<__m512d>(b)));
  }
}

template <class T, int... I>
SIGTAPE_INLINE Mask<T> counting(Indices<I...>) {
  return Mask<T>{I...};
}

// Channels c.. of points that are Step numbers apart: of the vectors that the
// points stand in, one after the other, each lane takes its number.
template <class T, int Step, int Channels>
struct PointPicker {
  Mask<T> index[Step > 1 ? Step - 1 : 1][Channels];

  SIGTAPE_INLINE PointPicker() {
    constexpr int w = lanes<T>();
    const Mask<T> lane = counting<T>(typename Counted<w>::type());
    for (int c = 0; c < Channels; ++c) {
      const Mask<T> at = lane * Step + c, vector = at / w, within = at % w;
      for (int v = 1; v < Step; ++v) {
        const Mask<T> stays = v == 1 ? within : lane;
        index[v - 1][c] = vector == v ? within + w : stays;
      }
    }
  }
  // Planes of lanes<T>() points at x.
  SIGTAPE_INLINE void operator()(const T* x, Vec<T>* planes) const {
    constexpr int w = lanes<T>();
    Vec<T> in[Step];
    SIGTAPE_UNROLL
    for (int v = 0; v < Step; ++v) in[v] = in_register(load(x + v * w));
    SIGTAPE_UNROLL
    for (int c = 0; c < Channels; ++c) {
      planes[c] = in[0];
      SIGTAPE_UNROLL
      for (int v = 1; v < Step; ++v) {
        planes[c] = pick<T>(planes[c], index[v - 1][c], in[v]);
      }
    }
  }
};

// As many whole vectors of points as there are, the last of them together with
// some of the ones before; how many points that is, all or none.
template <class T, int Step, int Channels>
SIGTAPE_KERNEL std::int64_t pick_planes(const PointRows<T>& rows, const T* x,
                                        const T* end, T* planes,
                                        std::int64_t plane_step) {
  constexpr int w = lanes<T>();
  const std::int64_t count = rows.count;
  if (count < w || count * Step > end - x) return 0;
  const bool relu = rows.relu;
  const PointPicker<T, Step, Channels> picker;
  const auto block = [&](std::int64_t t) __attribute__((always_inline)) {
    Vec<T> v[Channels];
    picker(x + t * Step, v);
    SIGTAPE_UNROLL
    for (int c = 0; c < Channels; ++c) {
      store<T>(planes + c * plane_step + t, relu ? positive<T>(v[c]) : v[c]);
    }
  };
  std::int64_t t = 0;
  for (; t + w <= count; t += w) block(t);
  if (t < count) block(count - w);
  return count;
}

// The same for the shapes that are worth it.
template <class T>
std::int64_t pick_planes_of(const PointRows<T>& rows, const T* x, const T* end,
                            T* planes, std::int64_t plane_step) {
  const auto run = [&](auto kernel) {
    return kernel(rows, x, end, planes, plane_step);
  };
  const std::int64_t step = rows.step, channels = rows.channels;
  if (step == channels) {
    if (step == 1) return run(pick_planes<T, 1, 1>);
    if (step == 2) return run(pick_planes<T, 2, 2>);
    if (step == 3) return run(pick_planes<T, 3, 3>);
    if (step == 4) return run(pick_planes<T, 4, 4>);
  }
  if (channels == 2 && step == 6) return run(pick_planes<T, 6, 2>);
  return 0;
}

#endif

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
#ifdef SIGTAPE_PICKS_POINTS
  if (pick_planes_of(rows, x, end, planes, plane_step) == count) return;
#endif
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

#ifdef SIGTAPE_PICKS_POINTS
// a and b alternating: of their first halves, or of their last.
template <bool Last, class V, int... I>
SIGTAPE_INLINE V alternate_all(V a, V b, Indices<I...>) {
  constexpr int w = sizeof...(I), first = Last ? w / 2 : 0;
  return __builtin_shufflevector(a, b, (first + I / 2 + I % 2 * w)...);
}

// Lane l of vector J of points whose pairs of numbers stand in Pairs vectors:
// pair K of its point from b, what came before from a.
template <int Pairs, int J, int K, class V, int... I>
SIGTAPE_INLINE V pick_pair(V a, V b, Indices<I...>) {
  constexpr int w = sizeof...(I);
  return __builtin_shufflevector(
      a, b,
      ((J * w + I) % Pairs == K ? w + (J * w + I) / Pairs
       : K == 1                 ? (J * w + I) / Pairs
                                : I)...);
}

// The first half of the points of planes whose pairs are `pairs`, or the last.
template <int Pairs, int... J>
SIGTAPE_INLINE void write_pairs(const Vec<double>* pairs, float* y,
                                Indices<J...>) {
  constexpr typename Counted<lanes<double>()>::type all;
  const auto write = [&]<int j>(Indices<j>) __attribute__((always_inline)) {
    Vec<double> v = pairs[0];
    if constexpr (Pairs > 1) v = pick_pair<Pairs, j, 1>(v, pairs[1], all);
    if constexpr (Pairs > 2) v = pick_pair<Pairs, j, 2>(v, pairs[2], all);
    if constexpr (Pairs > 3) v = pick_pair<Pairs, j, 3>(v, pairs[3], all);
    store<float>(y + j * lanes<float>(), reinterpret_cast<Vec<float>>(v));
  };
  (write(Indices<J>()), ...);
}

// Points of 2 Pairs channels that stand next to each other, of whole vectors of
// them, the last together with some of the ones before.
template <int Pairs>
SIGTAPE_KERNEL void write_points(std::int64_t count, const float* const* planes,
                                 float* y) {
  constexpr int w = lanes<float>();
  constexpr typename Counted<w>::type all;
  constexpr typename Counted<Pairs>::type each;
  const auto block = [&](std::int64_t t) __attribute__((always_inline)) {
    Vec<double> first[Pairs], last[Pairs];
    SIGTAPE_UNROLL
    for (int k = 0; k < Pairs; ++k) {
      const Vec<float> a = load(planes[2 * k] + t),
                       b = load(planes[2 * k + 1] + t);
      first[k] = reinterpret_cast<Vec<double>>(alternate_all<false>(a, b, all));
      last[k] = reinterpret_cast<Vec<double>>(alternate_all<true>(a, b, all));
    }
    write_pairs<Pairs>(first, y + t * 2 * Pairs, each);
    write_pairs<Pairs>(last, y + (2 * t + w) * Pairs, each);
  };
  std::int64_t t = 0;
  for (; t + w <= count; t += w) block(t);
  if (t < count) block(count - w);
}

// Whether it did this.
SIGTAPE_INLINE bool pick_points(const PointRows<float>& rows,
                                const float* const* planes, float* y) {
  if (rows.count < lanes<float>() || rows.step != rows.channels) return false;
  const std::int64_t channels = rows.channels, count = rows.count;
  if (channels == 2) return write_points<1>(count, planes, y), true;
  if (channels == 4) return write_points<2>(count, planes, y), true;
  if (channels == 6) return write_points<3>(count, planes, y), true;
  if (channels == 8) return write_points<4>(count, planes, y), true;
  return false;
}
SIGTAPE_INLINE bool pick_points(const PointRows<double>&, const double* const*,
                                double*) {
  return false;
}
#endif

template <class T>
SIGTAPE_KERNEL void from_planes(const PointRows<T>& rows,
                                const T* const* planes, T* y) {
  constexpr int w = lanes<T>(), p = kPiece<T>;
  const std::int64_t step = rows.step, channels = rows.channels;
#ifdef SIGTAPE_PICKS_POINTS
  if (pick_points(rows, planes, y)) return;
#endif
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

// v, its halves exchanged within runs of 2 Half elements.
template <int Half, class V, int... I>
SIGTAPE_INLINE V exchange_halves(V v, Indices<I...>) {
  return __builtin_shufflevector(v, v, (I ^ Half)...);
}

// After a transpose of kPiece vectors each piece of their sum holds a part of
// every total.
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
    constexpr typename Counted<w>::type all;
    if constexpr (w >= 4 * p) sum += exchange_halves<w / 2>(sum, all);
    if constexpr (w >= 2 * p) sum += exchange_halves<p>(sum, all);
    __builtin_memcpy(totals + i, &sum, sizeof(Piece<T>));
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
