// A block takes a few paths and walks their whole stream, a thread for each
// hidden unit: at each point the product with the state before, of which short
// pieces stand in shared memory, then the cell's functions.
#include <cmath>

#include "sigtape/framework/divide_up.h"
#include "sigtape/framework/ops/gemm_tile_cuda.h"
#include "sigtape/layers/recurrence_kernels.h"

namespace sigtape {

namespace {

constexpr int block_rows = 4;  // paths
constexpr int piece = 32;

// What a kernel works on. `d_` arrays are null on the way forth.
template <class T>
struct Recurrence {
  std::int64_t batch, length, hidden;
  const T *weight, *bias;
  T *gates, *own, *out;
  const T* d_out;
  T *d_gates, *d_own, *carry, *carry_cell;

  __device__ std::int64_t point(std::int64_t row, std::int64_t t) const {
    return row * length + t;
  }
};

template <Cell cell>
constexpr int gate_count = cell == Cell::rnn   ? 1
                           : cell == Cell::gru ? 3
                                               : 4;

template <class T>
__device__ T sigmoid(T x) {
  return 1 / (1 + std::exp(-x));
}

// sums[r][g] += sum over l < count of state[r * row + l] *
// weight[l * weight_row + g * weight_gate], for the `rows` paths of the block.
// All threads of the block take part; those that are not `active` only stage.
template <int gates, class T>
__device__ void add_products(T (&sums)[block_rows][gates], int rows,
                             const T* state, std::int64_t row,
                             std::int64_t count, const T* weight,
                             std::int64_t weight_row, std::int64_t weight_gate,
                             bool active) {
  struct Staged;
  auto& staged = cuda::static_shared<Staged, T[block_rows][piece]>();
  for (std::int64_t first = 0; first < count; first += piece) {
    const int used = count - first < piece ? int(count - first) : piece;
    __syncthreads();  // the piece before is read, the states are written
    for (int e = threadIdx.x; e < block_rows * piece; e += blockDim.x) {
      const int r = e / piece, l = e % piece;
      const bool inside = r < rows && l < used;
      staged[r][l] = inside ? state[r * row + first + l] : T{0};
    }
    __syncthreads();
    if (!active) continue;
    for (int l = 0; l < used; ++l) {
      const T* w = weight + (first + l) * weight_row;
#pragma unroll
      for (int g = 0; g < gates; ++g) {
        const T factor = w[g * weight_gate];
#pragma unroll
        for (int r = 0; r < block_rows; ++r) {
          sums[r][g] += staged[r][l] * factor;
        }
      }
    }
  }
}

// The gates, state and output of unit j at a point, from the sums of W_hh h.
template <Cell cell, class T>
__device__ void unit_forward(const Recurrence<T>& a, std::int64_t row,
                             std::int64_t t, std::int64_t j, const T* sums) {
  const std::int64_t h = a.hidden, at = a.point(row, t) * h + j;
  T* gate = a.gates + a.point(row, t) * gate_count<cell> * h + j;
  const T* bias = a.bias + j;
  if constexpr (cell == Cell::rnn) {
    a.out[at] = gate[0] = std::tanh(gate[0] + sums[0] + bias[0]);
  } else if constexpr (cell == Cell::gru) {
    const T before = t > 0 ? a.out[at - h] : T{0};
    const T r = sigmoid(gate[0] + sums[0] + bias[0]);
    const T z = sigmoid(gate[h] + sums[1] + bias[h]);
    const T own = sums[2] + bias[2 * h];
    const T n = std::tanh(gate[2 * h] + r * own);
    gate[0] = r;
    gate[h] = z;
    gate[2 * h] = n;
    a.own[at] = own;
    a.out[at] = n + z * (before - n);
  } else {
    const T before = t > 0 ? a.own[at - h] : T{0};
    const T i = sigmoid(gate[0] + sums[0] + bias[0]);
    const T f = sigmoid(gate[h] + sums[1] + bias[h]);
    const T g = std::tanh(gate[2 * h] + sums[2] + bias[2 * h]);
    const T o = sigmoid(gate[3 * h] + sums[3] + bias[3 * h]);
    gate[0] = i;
    gate[h] = f;
    gate[2 * h] = g;
    gate[3 * h] = o;
    const T c = f * before + i * g;
    a.own[at] = c;
    a.out[at] = o * std::tanh(c);
  }
}

template <Cell cell, class T>
__global__ void forward_kernel(const Recurrence<T> a) {
  constexpr int gates = gate_count<cell>;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * block_rows;
  const int rows =
      a.batch - first < block_rows ? int(a.batch - first) : block_rows;
  for (std::int64_t t = 0; t < a.length; ++t) {
    for (std::int64_t j0 = 0; j0 < a.hidden; j0 += blockDim.x) {
      const std::int64_t j = j0 + threadIdx.x;
      T sums[block_rows][gates] = {};
      if (t > 0) {
        add_products(sums, rows, a.out + a.point(first, t - 1) * a.hidden,
                     a.length * a.hidden, a.hidden, a.weight + j,
                     gates * a.hidden, a.hidden, j < a.hidden);
      }
      if (j >= a.hidden) continue;
#pragma unroll
      for (int r = 0; r < block_rows; ++r) {
        if (r < rows) unit_forward<cell>(a, first + r, t, j, sums[r]);
      }
    }
  }
}

// The gradients of unit j's gates at a point. The carried gradients become what
// goes to the point before but through the weight.
template <Cell cell, class T>
__device__ void unit_backward(const Recurrence<T>& a, std::int64_t row,
                              std::int64_t t, std::int64_t j) {
  const std::int64_t h = a.hidden, at = a.point(row, t) * h + j;
  const std::int64_t first = a.point(row, t) * gate_count<cell> * h + j;
  const T* gate = a.gates + first;
  T* d_gate = a.d_gates + first;
  T& carry = a.carry[row * h + j];
  const T dh = a.d_out[at] + carry;
  if constexpr (cell == Cell::rnn) {
    d_gate[0] = dh * (1 - gate[0] * gate[0]);
    carry = 0;
  } else if constexpr (cell == Cell::gru) {
    const T before = t > 0 ? a.out[at - h] : T{0};
    const T r = gate[0], z = gate[h], n = gate[2 * h];
    const T dn = dh * (1 - z) * (1 - n * n);
    d_gate[0] = dn * a.own[at] * r * (1 - r);
    d_gate[h] = dh * (before - n) * z * (1 - z);
    d_gate[2 * h] = dn;
    a.d_own[at] = dn * r;
    carry = dh * z;
  } else {
    const T before = t > 0 ? a.own[at - h] : T{0};
    const T i = gate[0], f = gate[h], g = gate[2 * h], o = gate[3 * h];
    const T squashed = std::tanh(a.own[at]);
    T& carry_cell = a.carry_cell[row * h + j];
    const T dc = carry_cell + dh * o * (1 - squashed * squashed);
    d_gate[0] = dc * g * i * (1 - i);
    d_gate[h] = dc * before * f * (1 - f);
    d_gate[2 * h] = dc * i * (1 - g * g);
    d_gate[3 * h] = dh * squashed * o * (1 - o);
    carry_cell = dc * f;
    carry = 0;
  }
}

// carry += d_gates W_hh at point t, with gru's n by way of d_own.
template <Cell cell, class T>
__device__ void carry_back(const Recurrence<T>& a, std::int64_t first, int rows,
                           std::int64_t t, std::int64_t k) {
  const std::int64_t h = a.hidden, width = gate_count<cell> * h;
  const std::int64_t direct = cell == Cell::gru ? 2 * h : width;
  const bool active = k < h;
  T sums[block_rows][1] = {};
  add_products(sums, rows, a.d_gates + a.point(first, t) * width,
               a.length * width, direct, a.weight + k, h, 0, active);
  if constexpr (cell == Cell::gru) {
    add_products(sums, rows, a.d_own + a.point(first, t) * h, a.length * h, h,
                 a.weight + direct * h + k, h, 0, active);
  }
  if (!active) return;
#pragma unroll
  for (int r = 0; r < block_rows; ++r) {
    if (r < rows) a.carry[(first + r) * h + k] += sums[r][0];
  }
}

template <Cell cell, class T>
__global__ void backward_kernel(const Recurrence<T> a) {
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * block_rows;
  const int rows =
      a.batch - first < block_rows ? int(a.batch - first) : block_rows;
  for (std::int64_t t = a.length - 1; t >= 0; --t) {
    for (std::int64_t j = threadIdx.x; j < a.hidden; j += blockDim.x) {
      for (int r = 0; r < rows; ++r) {
        unit_backward<cell>(a, first + r, t, j);
      }
    }
    if (t == 0) return;
    for (std::int64_t j0 = 0; j0 < a.hidden; j0 += blockDim.x) {
      carry_back<cell>(a, first, rows, t, j0 + threadIdx.x);
    }
  }
}

// A kernel for each cell, in their order.
template <class T>
struct CellKernels {
  void (*of[3])(const Recurrence<T>);
};

template <class T>
void launch_walk(Cuda device, Cell cell, const CellKernels<T>& kernels,
                 const Recurrence<T>& a) {
  if (a.batch == 0 || a.length == 0) return;
  const std::int64_t blocks = divide_up(a.batch, block_rows);
  const std::int64_t threads = divide_up(a.hidden, 32) * 32;
  cuda::launch(kernels.of[static_cast<int>(cell)],
               static_cast<unsigned>(blocks),
               static_cast<unsigned>(threads < 256 ? threads : 256), 0,
               cuda::stream(device), a);
}

// Row l of both matrices is a point that is not the first of its path: the
// gradients of its gates, and the state before it.
template <class T>
struct GateRows {
  static constexpr bool along_k = false;
  std::int64_t length, hidden, width, direct;
  const T *d_gates, *d_own;
  __device__ T operator()(std::int64_t, std::int64_t i, std::int64_t l) const {
    const std::int64_t point = l / (length - 1) * length + l % (length - 1) + 1;
    return i < direct ? d_gates[point * width + i]
                      : d_own[point * hidden + i - direct];
  }
};
template <class T>
struct StateRows {
  static constexpr bool along_k = false;
  std::int64_t length, hidden;
  const T* out;
  __device__ T operator()(std::int64_t, std::int64_t l, std::int64_t j) const {
    return out[(l / (length - 1) * length + l % (length - 1)) * hidden + j];
  }
};
template <class T>
struct StoreGradient {
  std::int64_t hidden;
  T* to;
  __device__ void operator()(std::int64_t, std::int64_t i, std::int64_t j,
                             T value) const {
    to[i * hidden + j] = value;
  }
};

}  // namespace

template <class T>
void recurrence_forward(Cuda device, const RecurrenceShape& s,
                        const T* weight_t, const T* bias, T* gates, T* own,
                        T* out) {
  Recurrence<T> a = {s.batch, s.length, s.hidden, weight_t, bias,
                     gates,   own,      out,      nullptr,  nullptr,
                     nullptr, nullptr,  nullptr};
  launch_walk<T>(device, s.cell,
                 {{forward_kernel<Cell::rnn, T>, forward_kernel<Cell::gru, T>,
                   forward_kernel<Cell::lstm, T>}},
                 a);
}

template <class T>
void recurrence_backward(Cuda device, const RecurrenceShape& s, const T* weight,
                         const T* gates, const T* own, const T* out,
                         const T* d_out, T* d_gates, T* d_own, T* carry,
                         T* carry_cell) {
  // gates, own and out are only read on the way back.
  Recurrence<T> a = {s.batch,
                     s.length,
                     s.hidden,
                     weight,
                     nullptr,
                     const_cast<T*>(gates),
                     const_cast<T*>(own),
                     const_cast<T*>(out),
                     d_out,
                     d_gates,
                     d_own,
                     carry,
                     carry_cell};
  launch_walk<T>(device, s.cell,
                 {{backward_kernel<Cell::rnn, T>, backward_kernel<Cell::gru, T>,
                   backward_kernel<Cell::lstm, T>}},
                 a);
}

template <class T>
void recurrence_weight_gradient(Cuda device, const RecurrenceShape& s,
                                const T* out, const T* d_gates, const T* d_own,
                                T* d_weight) {
  const std::int64_t width = s.width(), h = s.hidden;
  const std::int64_t steps = s.length > 1 ? s.batch * (s.length - 1) : 0;
  const std::int64_t direct = s.cell == Cell::gru ? 2 * h : width;
  cuda::gemm_tiled<T>(device, {1, width, h, steps},
                      GateRows<T>{s.length, h, width, direct, d_gates, d_own},
                      StateRows<T>{s.length, h, out},
                      StoreGradient<T>{h, d_weight});
}

#define INSTANTIATE(T)                                                      \
  template void recurrence_forward(Cuda, const RecurrenceShape&, const T*,  \
                                   const T*, T*, T*, T*);                   \
  template void recurrence_backward(Cuda, const RecurrenceShape&, const T*, \
                                    const T*, const T*, const T*, const T*, \
                                    T*, T*, T*, T*);                        \
  template void recurrence_weight_gradient(Cuda, const RecurrenceShape&,    \
                                           const T*, const T*, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
