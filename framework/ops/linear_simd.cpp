// A linear map of few numbers to few numbers on many rows, which are read as
// they stand and once.
//
// rows: lanes are neighbouring rows, so that few outputs never leave a vector
//   empty. Pieces of the rows are transposed in registers and multiplied there.
// products: lanes are the numbers of a row of x. A row's vectors are multiplied
//   by each number of dy; the sums stay in registers for the whole call.
#include "sigtape/framework/ops/linear_simd.h"

#include "sigtape/framework/simd/pieces_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

namespace {

// Outputs of a block of rows and vectors of a tile of products: 32 registers,
// or 16.
#if SIGTAPE_VECTOR_BYTES == 64
constexpr int kRegisters = 32, kOutputs = 16, kSums = 24;
#else
constexpr int kRegisters = 16, kOutputs = 10, kSums = 12;
#endif
// Numbers ahead of those in work that are brought near, one line at a time
// between the loads: many at once would hold the loads up.
template <class T>
constexpr std::int64_t kAhead = 4096 / sizeof(T);

// What is read kAhead numbers after number `at` of x, [numbers].
template <class T>
SIGTAPE_INLINE const char* ahead(const T* x, std::int64_t numbers,
                                 const T* next, std::int64_t at) {
  at += kAhead<T>;
  return reinterpret_cast<const char*>(at < numbers ? x + at
                                                    : next + (at - numbers));
}

// Outputs o.. of Blocks times lanes<T>() rows, as planes; `near` is brought
// near.
template <class T, int Outputs, int Blocks>
SIGTAPE_INLINE void multiply(const LinearRows<T>& r, const T* x,
                             const char* near, std::int64_t o,
                             Vec<T> (*sums)[Outputs]) {
  constexpr int p = kPiece<T>;
  const std::int64_t in = r.in;
  SIGTAPE_UNROLL
  for (int i = 0; i < Outputs; ++i) {
    const Vec<T> bias = broadcast<T>(r.bias ? r.bias[o + i] : T{0});
    SIGTAPE_UNROLL
    for (int b = 0; b < Blocks; ++b) sums[b][i] = bias;
  }
  const T* weight = r.weight + o;
  const PieceSteps steps = PieceSteps::of<T>(in);
  const T* rows[Blocks][p];
  SIGTAPE_UNROLL
  for (int b = 0; b < Blocks; ++b) {
    SIGTAPE_UNROLL
    for (int i = 0; i < p; ++i) rows[b][i] = x + (b * lanes<T>() + i) * in;
  }
  const auto add = [&](int numbers) __attribute__((always_inline)) {
    Vec<T> v[Blocks][p];
    SIGTAPE_UNROLL
    for (int b = 0; b < Blocks; ++b) {
      SIGTAPE_UNROLL
      for (int i = 0; i < p; ++i) {
        if (i * sizeof(Vec<T>) % 64 == 0) __builtin_prefetch(near);
        near += sizeof(Vec<T>);
        rows[b][i] = opaque(rows[b][i]);
        v[b][i] = load_pieces<T>(rows[b][i], steps);
        rows[b][i] += p;
      }
      transpose<T>(v[b]);
    }
    SIGTAPE_UNROLL
    for (int k = 0; k < p; ++k) {
      if (k >= numbers) break;
      SIGTAPE_UNROLL
      for (int i = 0; i < Outputs; ++i) {
        const Vec<T> factor = broadcast(weight[i]);
        SIGTAPE_UNROLL
        for (int b = 0; b < Blocks; ++b) sums[b][i] += factor * v[b][k];
      }
      weight += r.out;
    }
  };
  std::int64_t c = 0;
  for (; c + p <= in; c += p) add(p);
  if (c < in) add(static_cast<int>(in - c));
}

// Half of a and b, alternating by `Run` numbers: the first half, or the last.
template <int Run, bool Last, class V, int... I>
SIGTAPE_INLINE V alternate_runs(V a, V b, Indices<I...>) {
  constexpr int w = sizeof...(I), first = Last ? w / 2 : 0;
  return __builtin_shufflevector(
      a, b, (first + I / (2 * Run) * Run + I % Run + I / Run % 2 * w)...);
}

// Planes of lanes<T>() rows into rows of y, contiguous. Where Outputs is
// neither 1, 2 nor 4, up to 16 bytes beyond the last row are written too.
template <class T, int Outputs>
SIGTAPE_INLINE void write_rows(const Vec<T>* sums, T* y) {
  constexpr int p = kPiece<T>, w = lanes<T>();
  constexpr typename Counted<w>::type all;
  if constexpr (Outputs == 1) {
    store<T>(y, sums[0]);
  } else if constexpr (Outputs == 2) {
    store<T>(y, alternate_runs<1, false>(sums[0], sums[1], all));
    store<T>(y + w, alternate_runs<1, true>(sums[0], sums[1], all));
  } else if constexpr (Outputs == 4 && w >= 4) {
    const Vec<T> ab[] = {alternate_runs<1, false>(sums[0], sums[1], all),
                         alternate_runs<1, true>(sums[0], sums[1], all)};
    const Vec<T> cd[] = {alternate_runs<1, false>(sums[2], sums[3], all),
                         alternate_runs<1, true>(sums[2], sums[3], all)};
    SIGTAPE_UNROLL
    for (int i = 0; i < 2; ++i) {
      store<T>(y + 2 * i * w, alternate_runs<2, false>(ab[i], cd[i], all));
      store<T>(y + (2 * i + 1) * w, alternate_runs<2, true>(ab[i], cd[i], all));
    }
  } else {
    // The last piece first: what it writes into the next row is overwritten.
    SIGTAPE_UNROLL
    for (int c = (Outputs - 1) / p * p; c >= 0; c -= p) {
      Vec<T> v[p];
      SIGTAPE_UNROLL
      for (int i = 0; i < p; ++i) {
        v[i] = sums[c + i < Outputs ? c + i : Outputs - 1];
      }
      transpose<T>(v);
      store_pieces<T>(y + c, Outputs, v, typename Counted<kPieces<T>>::type());
    }
  }
}

// The same for any place of y: `Outputs` of `step` numbers of a row, and the
// first `count` rows only.
template <class T, int Outputs>
SIGTAPE_INLINE void write_within(const Vec<T>* sums, T* y, std::int64_t step,
                                 std::int64_t count) {
  T rows[lanes<T>() * Outputs + kPiece<T>];
  write_rows<T, Outputs>(sums, rows);
  if (step == Outputs && count == lanes<T>()) {
    __builtin_memcpy(y, rows, lanes<T>() * Outputs * sizeof(T));
    return;
  }
  for (std::int64_t t = 0; t < count; ++t) {
    __builtin_memcpy(y + t * step, rows + t * Outputs, Outputs * sizeof(T));
  }
}

// Rows t.. of Blocks vectors of rows. What follows them in y belongs to others
// if they are the `last`.
template <class T, int Outputs, int Blocks>
SIGTAPE_INLINE void row_blocks(const LinearRows<T>& r, std::int64_t o,
                               std::int64_t t, bool last) {
  Vec<T> sums[Blocks][Outputs];
  const char* near = r.near ? reinterpret_cast<const char*>(r.near + t * r.in)
                            : ahead(r.x, r.count * r.in, r.next, t * r.in);
  multiply<T, Outputs, Blocks>(r, r.x + t * r.in, near, o, sums);
  SIGTAPE_UNROLL
  for (int b = 0; b < Blocks; ++b, t += lanes<T>()) {
    T* y = r.y + t * r.out + o;
    if (r.out == Outputs && (!last || b + 1 < Blocks)) {
      write_rows<T, Outputs>(sums[b], y);
    } else {
      write_within<T, Outputs>(sums[b], y, r.out, lanes<T>());
    }
  }
}

template <class T, int Outputs>
SIGTAPE_KERNEL void row_outputs(const LinearRows<T>& r, std::int64_t o) {
  constexpr int w = lanes<T>(), p = kPiece<T>;
  constexpr int blocks = 2 * Outputs + 8 <= kRegisters ? 2 : 1, n = blocks * w;
  // The last piece of a row reads on into the next one.
  const std::int64_t reach = (r.in + p - 1) / p * p;
  if (r.count >= n && r.x_end - r.x >= (r.count - 1) * r.in + reach) {
    std::int64_t t = 0;
    for (; t + n <= r.count; t += n) {
      row_blocks<T, Outputs, blocks>(r, o, t, t + n == r.count);
    }
    // The rest together with some rows once more.
    if (t == r.count) return;
    if (t + w < r.count) {
      row_blocks<T, Outputs, blocks>(r, o, r.count - n, true);
    } else {
      row_blocks<T, Outputs, 1>(r, o, r.count - w, true);
    }
    return;
  }
  for (std::int64_t t = 0; t < r.count; t += w) {
    T copy[(linear_most + p) * w] = {};
    Vec<T> sums[1][Outputs];
    const std::int64_t count = r.count - t < w ? r.count - t : w;
    __builtin_memcpy(copy, r.x + t * r.in, count * r.in * sizeof(T));
    multiply<T, Outputs, 1>(r, copy, reinterpret_cast<const char*>(copy), o,
                            sums);
    write_within<T, Outputs>(sums[0], r.y + t * r.out + o, r.out, count);
  }
}

template <class T, int Most = kOutputs>
void outputs_from(const LinearRows<T>& r, std::int64_t o, std::int64_t count) {
  if constexpr (Most == 1) {
    row_outputs<T, 1>(r, o);
  } else if (count >= Most) {
    row_outputs<T, Most>(r, o);
  } else {
    outputs_from<T, Most - 1>(r, o, count);
  }
}

// As few passes as there can be, of about equal size.
template <class T>
void rows(const LinearRows<T>& r) {
  const std::int64_t passes = (r.out + kOutputs - 1) / kOutputs;
  for (std::int64_t i = 0; i < passes; ++i) {
    const std::int64_t o = r.out * i / passes;
    outputs_from(r, o, r.out * (i + 1) / passes - o);
  }
}

// Vectors from number j of a row on. In the last of them the numbers that are
// not the row's count as 1: their products sum dy.
template <class T, int Vectors>
struct RowReader {
  Mask<T> own;
  std::int64_t j;

  SIGTAPE_INLINE RowReader(std::int64_t in, std::int64_t j) : j(j) {
    for (int e = 0; e < lanes<T>(); ++e) {
      own[e] = j + (Vectors - 1) * lanes<T>() + e < in ? -1 : 0;
    }
  }
  SIGTAPE_INLINE void operator()(const T* x, Vec<T>* row) const {
    SIGTAPE_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      row[v] = load(x + j + v * lanes<T>());
      if (v == Vectors - 1) row[v] = own ? row[v] : broadcast(T{1});
      row[v] = in_register(row[v]);
    }
  }
};

template <class T, int Outputs, int Vectors>
SIGTAPE_KERNEL void product_tile(const LinearProducts<T>& p, std::int64_t o,
                                 std::int64_t j) {
  constexpr int w = lanes<T>();
  constexpr int rows = 2 * Outputs * Vectors <= kSums ? 2 : 1;
  const T *x = p.x, *dy = p.dy + o;
  const std::int64_t in = p.in, out = p.out;
  const RowReader<T, Vectors> read(in, j);
  const char* near = p.near ? reinterpret_cast<const char*>(p.near)
                            : ahead(p.x, p.count * in, p.next, 0);
  const bool first = j == 0 && o == 0;  // of the passes over the rows
  Vec<T> sums[rows][Outputs][Vectors] = {};
  const auto add = [&](int r) __attribute__((always_inline)) {
    if (first) {
      SIGTAPE_UNROLL
      for (std::size_t b = 0; b < Vectors * sizeof(Vec<T>); b += 64) {
        __builtin_prefetch(near + b);
      }
      near += in * sizeof(T);
    }
    Vec<T> row[Vectors];
    read(x, row);
    SIGTAPE_UNROLL
    for (int i = 0; i < Outputs; ++i) {
      const Vec<T> factor = broadcast(dy[i]);
      SIGTAPE_UNROLL
      for (int v = 0; v < Vectors; ++v) sums[r][i][v] += factor * row[v];
    }
    x += in;
    dy += out;
  };
  std::int64_t t = 0;
  for (; t + rows <= p.count; t += rows) {
    SIGTAPE_UNROLL
    for (int r = 0; r < rows; ++r) add(r);
  }
  for (; t < p.count; ++t) add(0);
  SIGTAPE_UNROLL
  for (int i = 0; i < Outputs; ++i) {
    SIGTAPE_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      T* sum = p.sums + (o + i) * p.step + j + v * w;
      store<T>(sum,
               load(sum) + (rows == 2 ? sums[0][i][v] + sums[rows - 1][i][v]
                                      : sums[0][i][v]));
    }
  }
}

template <class T, int Vectors, int Most>
void products_from(const LinearProducts<T>& p, std::int64_t o, std::int64_t j) {
  const std::int64_t rest = p.out - o;
  if constexpr (Most == 1) {
    product_tile<T, 1, Vectors>(p, o, j);
  } else if (rest >= Most) {
    product_tile<T, Most, Vectors>(p, o, j);
  } else {
    products_from<T, Vectors, Most - 1>(p, o, j);
  }
}

// All outputs of `Vectors` vectors of x from number j on.
template <class T, int Vectors>
void product_panel(const LinearProducts<T>& p, std::int64_t j) {
  constexpr int most = kSums / Vectors < 12 ? kSums / Vectors : 12;
  for (std::int64_t o = 0; o < p.out; o += most) {
    products_from<T, Vectors, most>(p, o, j);
  }
}

// Of rows behind whose end enough may be read.
template <class T>
void add_products(const LinearProducts<T>& p) {
  constexpr int w = lanes<T>();
  std::int64_t vectors = p.step / w, j = 0;
  for (; vectors >= 5 || vectors == 3; vectors -= 3, j += 3 * w) {
    product_panel<T, 3>(p, j);
  }
  for (; vectors >= 2; vectors -= 2, j += 2 * w) product_panel<T, 2>(p, j);
  for (; vectors >= 1; --vectors, j += w) product_panel<T, 1>(p, j);
}

// Room for a row's numbers and a 1.
template <class T>
std::int64_t step(std::int64_t numbers) {
  constexpr int w = lanes<T>();
  return (numbers + w) / w * w;
}

template <class T>
void products(const LinearProducts<T>& p) {
  LinearProducts<T> safe = p;
  while (safe.count > 0 && p.x_end - p.x < (safe.count - 1) * p.in + p.step) {
    --safe.count;
  }
  add_products(safe);
  LinearProducts<T> single = p;
  single.count = 1;
  for (std::int64_t t = safe.count; t < p.count; ++t) {
    T x[2 * linear_most] = {};
    __builtin_memcpy(x, p.x + t * p.in, p.in * sizeof(T));
    single.x = x;
    single.near = x;
    single.dy = p.dy + t * p.out;
    add_products(single);
  }
}

template <class T>
void differences(std::int64_t count, std::int64_t step, T* values) {
  std::int64_t i = 0;
  for (; i + lanes<T>() <= count; i += lanes<T>()) {
    store<T>(values + i, load(values + i + step) - load(values + i));
  }
  for (; i < count; ++i) values[i] = values[i + step] - values[i];
}

}  // namespace

const LinearKernels<float> linear_float32 = {
    step<float>, rows<float>, products<float>, differences<float>};
const LinearKernels<double> linear_float64 = {
    step<double>, rows<double>, products<double>, differences<double>};

}  // namespace sigtape::SIGTAPE_ISA_NAME
