// The pointwise part of the recurrent cells: plain loops over the hidden units
// of a row, which the compiler turns into vectors of each instruction set.
#include "sigtape/layers/recurrence_simd.h"

#include "sigtape/framework/simd/denormals_simd.h"
#include "sigtape/framework/simd/vec.h"

namespace sigtape::SIGTAPE_ISA_NAME {

namespace {

template <class T>
SIGTAPE_INLINE void add_to(T* __restrict a, const T* __restrict b,
                           std::int64_t count) {
  for (std::int64_t j = 0; j < count; ++j) a[j] += b[j];
}

template <class T>
void rnn_forward(const RecurrenceStep<T>& s) {
  for (std::int64_t r = 0; r < s.rows; ++r) {
    T* a = s.gates + r * s.gate_row;
    T* out = s.out + r * s.hidden_row;
    add_to(a, s.bias, s.hidden);
    s.tanh(a, a, s.hidden);
    for (std::int64_t j = 0; j < s.hidden; ++j) out[j] = a[j];
  }
}

template <class T>
void gru_forward(const RecurrenceStep<T>& s) {
  const std::int64_t h = s.hidden;
  for (std::int64_t r = 0; r < s.rows; ++r) {
    T* __restrict a = s.gates + r * s.gate_row;
    T* __restrict own = s.own + r * s.hidden_row;
    T* __restrict out = s.out + r * s.hidden_row;
    const T* __restrict previous = s.previous + r * s.previous_row;
    add_to(a, s.bias, 2 * h);
    s.sigmoid(a, a, 2 * h);
    add_to(own, s.bias + 2 * h, h);
    for (std::int64_t j = 0; j < h; ++j) a[2 * h + j] += a[j] * own[j];
    s.tanh(a + 2 * h, a + 2 * h, h);
    for (std::int64_t j = 0; j < h; ++j) {
      const T z = a[h + j], n = a[2 * h + j];
      out[j] = n + z * (previous[j] - n);
    }
  }
}

template <class T>
void lstm_forward(const RecurrenceStep<T>& s) {
  const std::int64_t h = s.hidden;
  for (std::int64_t r = 0; r < s.rows; ++r) {
    T* __restrict a = s.gates + r * s.gate_row;
    T* __restrict cell = s.own + r * s.hidden_row;
    T* __restrict out = s.out + r * s.hidden_row;
    const T* __restrict previous = s.previous + r * s.previous_row;
    add_to(a, s.bias, 4 * h);
    s.sigmoid(a, a, 2 * h);
    s.tanh(a + 2 * h, a + 2 * h, h);
    s.sigmoid(a + 3 * h, a + 3 * h, h);
    for (std::int64_t j = 0; j < h; ++j) {
      cell[j] = a[h + j] * previous[j] + a[j] * a[2 * h + j];
    }
    s.tanh(cell, out, h);
    for (std::int64_t j = 0; j < h; ++j) out[j] *= a[3 * h + j];
  }
}

template <class T>
void rnn_backward(const RecurrenceStepBack<T>& s) {
  const std::int64_t h = s.at.hidden;
  for (std::int64_t r = 0; r < s.at.rows; ++r) {
    const T* __restrict a = s.at.gates + r * s.at.gate_row;
    const T* __restrict g = s.d_out + r * s.at.hidden_row;
    T* __restrict da = s.d_gates + r * s.at.gate_row;
    T* __restrict carry = s.carry + r * h;
    for (std::int64_t j = 0; j < h; ++j) {
      da[j] = (g[j] + carry[j]) * (1 - a[j] * a[j]);
      carry[j] = 0;
    }
  }
}

template <class T>
void gru_backward(const RecurrenceStepBack<T>& s) {
  const std::int64_t h = s.at.hidden;
  for (std::int64_t i = 0; i < s.at.rows; ++i) {
    const T* __restrict a = s.at.gates + i * s.at.gate_row;
    const T* __restrict own = s.at.own + i * s.at.hidden_row;
    const T* __restrict previous = s.at.previous + i * s.at.previous_row;
    const T* __restrict g = s.d_out + i * s.at.hidden_row;
    T* __restrict da = s.d_gates + i * s.at.gate_row;
    T* __restrict d_own = s.d_own + i * s.at.hidden_row;
    T* __restrict carry = s.carry + i * h;
    for (std::int64_t j = 0; j < h; ++j) {
      const T r = a[j], z = a[h + j], n = a[2 * h + j];
      const T dh = g[j] + carry[j];
      const T dn = dh * (1 - z) * (1 - n * n);
      da[j] = dn * own[j] * r * (1 - r);
      da[h + j] = dh * (previous[j] - n) * z * (1 - z);
      da[2 * h + j] = dn;
      d_own[j] = dn * r;
      carry[j] = dh * z;
    }
  }
}

template <class T>
void lstm_backward(const RecurrenceStepBack<T>& s) {
  const std::int64_t h = s.at.hidden;
  for (std::int64_t r = 0; r < s.at.rows; ++r) {
    const T* __restrict a = s.at.gates + r * s.at.gate_row;
    const T* __restrict previous = s.at.previous + r * s.at.previous_row;
    const T* __restrict g = s.d_out + r * s.at.hidden_row;
    T* __restrict da = s.d_gates + r * s.at.gate_row;
    T* __restrict carry = s.carry + r * h;
    T* __restrict carry_cell = s.carry_cell + r * h;
    // tanh(c), kept for a moment where the gradient of o will stand.
    s.at.tanh(s.at.own + r * s.at.hidden_row, da + 3 * h, h);
    for (std::int64_t j = 0; j < h; ++j) {
      const T i = a[j], f = a[h + j], c = a[2 * h + j], o = a[3 * h + j];
      const T squashed = da[3 * h + j], dh = g[j] + carry[j];
      const T dc = carry_cell[j] + dh * o * (1 - squashed * squashed);
      da[j] = dc * c * i * (1 - i);
      da[h + j] = dc * previous[j] * f * (1 - f);
      da[2 * h + j] = dc * i * (1 - c * c);
      da[3 * h + j] = dh * squashed * o * (1 - o);
      carry_cell[j] = dc * f;
      carry[j] = 0;
    }
  }
}

void flushed(void (*run)(const void*), const void* context) {
  const FlushDenormals flush;
  run(context);
}

template <class T>
constexpr RecurrenceKernels<T> table = {
    {rnn_forward<T>, gru_forward<T>, lstm_forward<T>},
    {rnn_backward<T>, gru_backward<T>, lstm_backward<T>},
    flushed};

}  // namespace

const RecurrenceKernels<float>& recurrence_kernels(float) {
  return table<float>;
}
const RecurrenceKernels<double>& recurrence_kernels(double) {
  return table<double>;
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
