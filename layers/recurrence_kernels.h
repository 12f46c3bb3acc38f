#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/layers/recurrence.h"

namespace sigtape {

struct RecurrenceShape {
  Cell cell = Cell::rnn;
  std::int64_t batch = 0, length = 0, hidden = 0;
  std::int64_t width() const { return gates_of(cell) * hidden; }
};

/// gates [B, T, width]: in, the input's part; out, the gates themselves. own
/// [B, T, H]: lstm the cell state c, gru the hidden state's part a_n of n, rnn
/// null. weight_t [H, width], the transpose; bias [width]; out [B, T, H].
template <class T>
void recurrence_forward(Cpu, const RecurrenceShape& s, const T* weight_t,
                        const T* bias, T* gates, T* own, T* out);

/// From d_out [B, T, H] the gradients d_gates [B, T, width] of the gates before
/// their functions and, for gru, d_own [B, T, H] of a_n. carry [B, H] and, for
/// lstm, carry_cell [B, H] are zeros that it works in.
template <class T>
void recurrence_backward(Cpu, const RecurrenceShape& s, const T* weight,
                         const T* gates, const T* own, const T* out,
                         const T* d_out, T* d_gates, T* d_own, T* carry,
                         T* carry_cell);

/// The weight's gradient [width, H], overwritten.
template <class T>
void recurrence_weight_gradient(Cpu, const RecurrenceShape& s, const T* out,
                                const T* d_gates, const T* d_own, T* d_weight);

/// The same on a GPU.
template <class T>
void recurrence_forward(Cuda, const RecurrenceShape& s, const T* weight_t,
                        const T* bias, T* gates, T* own, T* out);
template <class T>
void recurrence_backward(Cuda, const RecurrenceShape& s, const T* weight,
                         const T* gates, const T* own, const T* out,
                         const T* d_out, T* d_gates, T* d_own, T* carry,
                         T* carry_cell);
template <class T>
void recurrence_weight_gradient(Cuda, const RecurrenceShape& s, const T* out,
                                const T* d_gates, const T* d_own, T* d_weight);

}  // namespace sigtape
