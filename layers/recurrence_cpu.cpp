// Rows of a batch do not meet, so a tile of rows walks the whole stream alone:
// at each point a matrix product with the hidden states of its rows, then the
// cell's functions.
#include <algorithm>
#include <cmath>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/ops/elementwise_simd.h"
#include "sigtape/framework/ops/gemm_kernels.h"
#include "sigtape/framework/parallel.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/simd/isa.h"
#include "sigtape/layers/recurrence_kernels.h"
#include "sigtape/layers/recurrence_simd.h"

namespace sigtape {

namespace {

constexpr std::int64_t kRows = 32;

template <class T>
struct Tables {
  const RecurrenceKernels<T>* cells;
  VectorFunction<T> sigmoid, tanh;
};

void tanh_of(const double* a, double* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = std::tanh(a[i]);
}
void sigmoid_of(const double* a, double* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = 1 / (1 + std::exp(-a[i]));
}

Tables<float> tables(const RecurrenceKernels<float>& cells,
                     const ElementwiseKernels& functions) {
  return {&cells, functions.sigmoid, functions.tanh};
}
Tables<double> tables(const RecurrenceKernels<double>& cells,
                      const ElementwiseKernels&) {
  return {&cells, sigmoid_of, tanh_of};
}

template <class T>
Tables<T> active_tables() {
  switch (active_isa()) {
#define SIGTAPE_CASE(isa) \
  case Isa::isa:          \
    return tables(isa::recurrence_kernels(T{}), isa::elementwise_kernels());
    SIGTAPE_FOR_EACH_ISA(SIGTAPE_CASE)
#undef SIGTAPE_CASE
    default:
      return tables(scalar::recurrence_kernels(T{}),
                    scalar::elementwise_kernels());
  }
}

// One tile of rows and the products of its points.
template <class T>
struct Tile {
  const RecurrenceShape& s;
  std::int64_t first, rows;

  Tile(const RecurrenceShape& shape, std::int64_t index)
      : s(shape),
        first(index * kRows),
        rows(std::min(kRows, shape.batch - first)) {}

  std::int64_t gate_at(std::int64_t t) const {
    return (first * s.length + t) * s.width();
  }
  std::int64_t hidden_at(std::int64_t t) const {
    return (first * s.length + t) * s.hidden;
  }

  // C += A B, A (rows, k), B (k, n) with rows b_row apart.
  void add_product(const T* a, std::int64_t a_row, const T* b,
                   std::int64_t b_row, std::int64_t k, std::int64_t n, T* c,
                   std::int64_t c_row, bool accumulate) const {
    Gemm<T> g;
    g.m = rows;
    g.n = n;
    g.k = k;
    g.a = a;
    g.a_row = a_row;
    g.b = b;
    g.b_row = b_row;
    g.c = c;
    g.c_row = c_row;
    g.accumulate = accumulate;
    gemm(Cpu{}, g, Strided<3>{});
  }
};

template <class T>
RecurrenceStep<T> step_of(const Tile<T>& tile, std::int64_t t,
                          const Tables<T>& f, T* gates, T* own, T* out,
                          const T* zeros) {
  const RecurrenceShape& s = tile.s;
  RecurrenceStep<T> step;
  step.rows = tile.rows;
  step.hidden = s.hidden;
  step.gates = gates + tile.gate_at(t);
  step.gate_row = s.length * s.width();
  step.hidden_row = s.length * s.hidden;
  step.own = own ? own + tile.hidden_at(t) : nullptr;
  step.out = out + tile.hidden_at(t);
  const T* state = s.cell == Cell::lstm ? own : out;
  step.previous = t > 0 ? state + tile.hidden_at(t - 1) : zeros;
  step.previous_row = t > 0 ? step.hidden_row : 0;
  step.sigmoid = f.sigmoid;
  step.tanh = f.tanh;
  return step;
}

// Adds W_hh h_{t-1} to the gates; the part of gru's n goes to `own`.
template <class T>
void add_hidden(const Tile<T>& tile, std::int64_t t, const T* weight_t,
                T* gates, T* own, const T* out) {
  const RecurrenceShape& s = tile.s;
  const std::int64_t hidden_row = s.length * s.hidden, width = s.width();
  const std::int64_t direct = s.cell == Cell::gru ? 2 * s.hidden : width;
  const T* h = out + tile.hidden_at(t - 1);
  tile.add_product(h, hidden_row, weight_t, width, s.hidden, direct,
                   gates + tile.gate_at(t), s.length * width, true);
  if (s.cell != Cell::gru) return;
  tile.add_product(h, hidden_row, weight_t + direct, width, s.hidden, s.hidden,
                   own + tile.hidden_at(t), hidden_row, false);
}

template <class T>
void clear_own(const Tile<T>& tile, T* own) {
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    std::fill_n(own + tile.hidden_at(0) + r * tile.s.length * tile.s.hidden,
                tile.s.hidden, T{0});
  }
}

// carry += d_gates W_hh, with gru's n by way of d_own.
template <class T>
void carry_back(const Tile<T>& tile, std::int64_t t, const T* weight,
                const T* d_gates, const T* d_own, T* carry) {
  const RecurrenceShape& s = tile.s;
  const std::int64_t width = s.width();
  const std::int64_t direct = s.cell == Cell::gru ? 2 * s.hidden : width;
  tile.add_product(d_gates + tile.gate_at(t), s.length * width, weight,
                   s.hidden, direct, s.hidden, carry, s.hidden, true);
  if (s.cell != Cell::gru) return;
  tile.add_product(d_own + tile.hidden_at(t), s.length * s.hidden,
                   weight + direct * s.hidden, s.hidden, s.hidden, s.hidden,
                   carry, s.hidden, true);
}

// body(tile) for every tile of rows.
template <class T, class Body>
void for_each_tile(const RecurrenceShape& s, const Tables<T>& f,
                   const Body& body) {
  parallel_for(divide_up(s.batch, kRows), [&](std::int64_t index) {
    const auto run = [&] { body(Tile<T>(s, index)); };
    f.cells->flushed(
        [](const void* context) {
          (*static_cast<const decltype(run)*>(context))();
        },
        &run);
  });
}

}  // namespace

template <class T>
void recurrence_forward(Cpu, const RecurrenceShape& s, const T* weight_t,
                        const T* bias, T* gates, T* own, T* out) {
  const Tables<T> f = active_tables<T>();
  const auto cell = f.cells->forward[static_cast<int>(s.cell)];
  Tensor zeros_row = zeros({s.hidden}, {dtype_of<T>(), {}});
  const T* none = zeros_row.data<T>();
  for_each_tile(s, f, [&](const Tile<T>& tile) {
    if (s.cell == Cell::gru) clear_own(tile, own);
    for (std::int64_t t = 0; t < s.length; ++t) {
      if (t > 0) add_hidden(tile, t, weight_t, gates, own, out);
      RecurrenceStep<T> step = step_of(tile, t, f, gates, own, out, none);
      step.bias = bias;
      cell(step);
    }
  });
}

template <class T>
void recurrence_backward(Cpu, const RecurrenceShape& s, const T* weight,
                         const T* gates, const T* own, const T* out,
                         const T* d_out, T* d_gates, T* d_own, T* carry,
                         T* carry_cell) {
  const Tables<T> f = active_tables<T>();
  const auto cell = f.cells->backward[static_cast<int>(s.cell)];
  Tensor zeros_row = zeros({s.hidden}, {dtype_of<T>(), {}});
  const T* none = zeros_row.data<T>();
  for_each_tile(s, f, [&](const Tile<T>& tile) {
    const std::int64_t at = tile.first * s.hidden;
    for (std::int64_t t = s.length - 1; t >= 0; --t) {
      RecurrenceStepBack<T> step;
      // Only read on the way back.
      step.at = step_of(tile, t, f, const_cast<T*>(gates), const_cast<T*>(own),
                        const_cast<T*>(out), none);
      step.d_out = d_out + tile.hidden_at(t);
      step.d_gates = d_gates + tile.gate_at(t);
      step.d_own = d_own ? d_own + tile.hidden_at(t) : nullptr;
      step.carry = carry + at;
      step.carry_cell = carry_cell ? carry_cell + at : nullptr;
      cell(step);
      if (t > 0) carry_back(tile, t, weight, d_gates, d_own, carry + at);
    }
  });
}

template <class T>
void recurrence_weight_gradient(Cpu, const RecurrenceShape& s, const T* out,
                                const T* d_gates, const T* d_own, T* d_weight) {
  const std::int64_t width = s.width(), hidden = s.hidden;
  if (!shapes_only()) std::fill_n(d_weight, width * hidden, T{0});
  if (s.length < 2 || s.batch == 0) return;
  // d_weight = sum over paths of (d gates at t)^T (h at t - 1).
  const auto add = [&](const T* gradient, std::int64_t row, std::int64_t m,
                       T* to) {
    Gemm<T> g;
    g.m = m;
    g.n = hidden;
    g.k = s.length - 1;
    g.a = gradient + row;
    g.a_row = 1;
    g.a_col = row;
    g.b = out;
    g.b_row = hidden;
    g.c = to;
    g.c_row = hidden;
    gemm_sum(Cpu{}, g,
             {s.batch, s.length * row, s.length * hidden, s.length - 1});
  };
  const bool gru = s.cell == Cell::gru;
  add(d_gates, width, gru ? 2 * hidden : width, d_weight);
  if (gru) add(d_own, hidden, hidden, d_weight + 2 * hidden * hidden);
}

#define SIGTAPE_RECURRENCE(T)                                               \
  template void recurrence_forward(Cpu, const RecurrenceShape&, const T*,   \
                                   const T*, T*, T*, T*);                   \
  template void recurrence_backward(Cpu, const RecurrenceShape&, const T*,  \
                                    const T*, const T*, const T*, const T*, \
                                    T*, T*, T*, T*);                        \
  template void recurrence_weight_gradient(Cpu, const RecurrenceShape&,     \
                                           const T*, const T*, const T*, T*);
SIGTAPE_RECURRENCE(float)
SIGTAPE_RECURRENCE(double)
#undef SIGTAPE_RECURRENCE

}  // namespace sigtape
