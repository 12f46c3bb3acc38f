#pragma once

#include <cstdint>

// Shared with sources compiled per instruction set: plain types only.

namespace sigtape {

/// f of `count` adjacent numbers, in place allowed.
template <class T>
using VectorFunction = void (*)(const T* a, T* out, std::int64_t count);

/// One point of `rows` streams. Row r of an array stands r times its stride on;
/// a stride of 0 repeats one row.
template <class T>
struct RecurrenceStep {
  std::int64_t rows = 0, hidden = 0;
  T* gates = nullptr;  // [rows, gates * hidden]
  std::int64_t gate_row = 0;
  T* own = nullptr;  // [rows, hidden]
  T* out = nullptr;  // [rows, hidden]
  std::int64_t hidden_row = 0;
  /// The state before: gru h, lstm c.
  const T* previous = nullptr;
  std::int64_t previous_row = 0;
  const T* bias = nullptr;  // [gates * hidden]
  VectorFunction<T> sigmoid = nullptr, tanh = nullptr;
};

/// The same point on the way back.
template <class T>
struct RecurrenceStepBack {
  RecurrenceStep<T> at;
  const T* d_out = nullptr;  // [rows, hidden], stride at.hidden_row
  T* d_gates = nullptr;      // [rows, gates * hidden], stride at.gate_row
  T* d_own = nullptr;        // [rows, hidden], stride at.hidden_row
  /// [rows, hidden], adjacent: in, the gradient of h from later points; out,
  /// what of it goes to the point before but through the weight.
  T* carry = nullptr;
  T* carry_cell = nullptr;  // [rows, hidden], adjacent: the same of c
};

/// In the order of Cell.
template <class T>
struct RecurrenceKernels {
  void (*forward[3])(const RecurrenceStep<T>&);
  void (*backward[3])(const RecurrenceStepBack<T>&);
  /// run(context), with numbers too small to be normal counting as zero on
  /// this thread: gradients get that small over a few hundred points.
  void (*flushed)(void (*run)(const void*), const void* context);
};

#define SIGTAPE_RECURRENCE_TABLES(isa)                         \
  namespace isa {                                              \
  const RecurrenceKernels<float>& recurrence_kernels(float);   \
  const RecurrenceKernels<double>& recurrence_kernels(double); \
  }
#if defined(__x86_64__) || defined(_M_X64)
SIGTAPE_RECURRENCE_TABLES(avx2)
SIGTAPE_RECURRENCE_TABLES(avx512)
#endif
#if defined(__aarch64__)
SIGTAPE_RECURRENCE_TABLES(neon)
#endif
SIGTAPE_RECURRENCE_TABLES(scalar)
#undef SIGTAPE_RECURRENCE_TABLES

}  // namespace sigtape
