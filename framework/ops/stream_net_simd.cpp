// Lanes are neighbouring points of a stream, so the few channels of a point
// never limit how full a vector is. Points change into planes (one channel of
// many points) and back by transposes of 16-byte pieces within vectors.
#include "sigtape/framework/ops/stream_net_simd.h"

#include "sigtape/framework/simd/vec.h"

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

// ---- Points and planes. A piece is 16 bytes: kPiece channels of a point. In
// a vector of pieces, piece q of vector i belongs to point q kPiece + i.

template <class T>
struct PieceOf {
  typedef T type __attribute__((vector_size(16)));
};
template <class T>
using Piece = typename PieceOf<T>::type;

template <class T>
constexpr int kPiece = 16 / static_cast<int>(sizeof(T));
template <class T>
constexpr int kPieces = lanes<T>() / kPiece<T>;

template <int... I>
struct Indices {};
template <int N, int... I>
struct Counted : Counted<N - 1, N - 1, I...> {};
template <int... I>
struct Counted<0, I...> {
  using type = Indices<I...>;
};

template <class V, int... I>
SIGTAPE_INLINE auto join(V a, V b, Indices<I...>) {
  return __builtin_shufflevector(a, b, I...);
}

// Pieces of points that are `step` apart, one after another.
template <class T, int Pieces = kPieces<T>>
SIGTAPE_INLINE auto load_pieces(const T* x, std::int64_t step) {
  if constexpr (Pieces == 1) {
    Piece<T> piece;
    __builtin_memcpy(&piece, x, 16);
    return piece;
  } else {
    return join(load_pieces<T, Pieces / 2>(x, step),
                load_pieces<T, Pieces / 2>(x + Pieces / 2 * step, step),
                typename Counted<Pieces * kPiece<T>>::type());
  }
}

// Element c of every piece of pairs (a, b): for pieces of two elements.
template <int C, class V, int... I>
SIGTAPE_INLINE V pairs(V a, V b, Indices<I...>) {
  constexpr int w = sizeof...(I);
  return __builtin_shufflevector(a, b, (I % 2 * w + I / 2 * 2 + C)...);
}

// Within pieces of four: a and b alternating, from their elements `From` and
// From + 1; then the pairs of a and of b that start at From.
template <int From, class V, int... I>
SIGTAPE_INLINE V alternate(V a, V b, Indices<I...>) {
  constexpr int w = sizeof...(I);
  return __builtin_shufflevector(a, b,
                                 (I % 2 * w + I / 4 * 4 + I % 4 / 2 + From)...);
}
template <int From, class V, int... I>
SIGTAPE_INLINE V halves(V a, V b, Indices<I...>) {
  constexpr int w = sizeof...(I);
  return __builtin_shufflevector(a, b,
                                 (I % 4 / 2 * w + I / 4 * 4 + I % 2 + From)...);
}

// Vectors of pieces into planes, and back: it is its own inverse.
template <class T>
SIGTAPE_INLINE void transpose(Vec<T>* v) {
  constexpr typename Counted<lanes<T>()>::type all;
  if constexpr (kPiece<T> == 2) {
    const Vec<T> first = pairs<0>(v[0], v[1], all);
    v[1] = pairs<1>(v[0], v[1], all);
    v[0] = first;
  } else {
    const Vec<T> a = alternate<0>(v[0], v[1], all),
                 b = alternate<0>(v[2], v[3], all),
                 c = alternate<2>(v[0], v[1], all),
                 d = alternate<2>(v[2], v[3], all);
    v[0] = halves<0>(a, b, all);
    v[1] = halves<2>(a, b, all);
    v[2] = halves<0>(c, d, all);
    v[3] = halves<2>(c, d, all);
  }
}

template <class T>
SIGTAPE_KERNEL void to_planes(const PointRows<T>& rows, const T* x,
                              const T* end, T* planes,
                              std::int64_t plane_step) {
  constexpr int w = lanes<T>(), p = kPiece<T>;
  const std::int64_t step = rows.step, channels = rows.channels;
  // The last piece of a point reads on into the next ones.
  const std::int64_t reach = (channels + p - 1) / p * p;
  std::int64_t t = 0;
  for (; t + w <= rows.count && (t + w - 1) * step + reach <= end - x; t += w) {
    for (std::int64_t c = 0; c < channels; c += p) {
      Vec<T> v[p];
      SIGTAPE_UNROLL
      for (int i = 0; i < p; ++i) {
        v[i] = load_pieces<T>(x + (t + i) * step + c, p * step);
      }
      transpose<T>(v);
      SIGTAPE_UNROLL
      for (int i = 0; i < p; ++i) {
        if (c + i < channels) store<T>(planes + (c + i) * plane_step + t, v[i]);
      }
    }
  }
  for (; t < rows.count; ++t) {
    for (std::int64_t c = 0; c < channels; ++c) {
      planes[c * plane_step + t] = x[t * step + c];
    }
  }
}

template <class T, int Q, int... I>
SIGTAPE_INLINE void store_piece(T* y, Vec<T> v, Indices<I...>) {
  const Piece<T> piece = __builtin_shufflevector(v, v, (Q * kPiece<T> + I)...);
  __builtin_memcpy(y, &piece, 16);
}

// The points in ascending order: what one writes beyond its channels, the next
// overwrites.
template <class T, int... Q>
SIGTAPE_INLINE void store_pieces(T* y, std::int64_t step, const Vec<T>* v,
                                 Indices<Q...>) {
  constexpr int p = kPiece<T>;
  const auto points = [&](auto point) __attribute__((always_inline)) {
    SIGTAPE_UNROLL
    for (int i = 0; i < p; ++i) point(i);
  };
  (points([&](int i) __attribute__((always_inline)) {
     store_piece<T, Q>(y + (Q * p + i) * step, v[i],
                       typename Counted<p>::type());
   }),
   ...);
}

template <class T>
SIGTAPE_KERNEL void from_planes(const PointRows<T>& rows,
                                const T* const* planes, T* y) {
  constexpr int w = lanes<T>(), p = kPiece<T>;
  const std::int64_t step = rows.step, channels = rows.channels;
  const std::int64_t last = (channels - 1) / p * p;
  std::int64_t t = 0;
  for (; (t + w - 1) * step + last + p <= rows.count * step; t += w) {
    // The last piece first: what it writes into the next point is
    // overwritten.
    for (std::int64_t c = last; c >= 0; c -= p) {
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
  for (; t < rows.count; ++t) {
    for (std::int64_t c = 0; c < channels; ++c) y[t * step + c] = planes[c][t];
  }
}

template <class T>
constexpr StreamNetKernels<T> table = {lanes<T>(), layer<T>, products<T>,
                                       to_planes<T>, from_planes<T>};

}  // namespace

const StreamNetKernels<float>& stream_net_kernels(float) {
  return table<float>;
}
const StreamNetKernels<double>& stream_net_kernels(double) {
  return table<double>;
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
