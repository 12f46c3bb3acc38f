#pragma once

#include <cstddef>
#include <cstdint>

#include "sigtape/framework/dispatch.h"
#include "sigtape/layers/signature/lyndon_table.h"

/// Power series without constant term of an element x of the tensor algebra
/// over R^d cut off after level N, x without level 0:
///
///   f(x) = c_1 x + c_2 x (x) x + .. + c_N x^(x)N
///
/// by Horner's scheme, y_k = c_k + x (x) y_(k+1), f(x) = x (x) y_1, in which
/// y_k is needed up to level N - k only: the last product costs more than all
/// others together.
namespace sigtape {

/// Which f: log(1 + x), exp(x) - 1 or 1 / (1 + x) - 1.
enum class TensorSeries { logarithm, exponential, inverse };

/// Coordinates of a series' argument or result. signature: all words.
/// words: coefficients of the Lyndon words in those. brackets: coefficients in
/// the basis of the Lyndon brackets. The last two are only for elements of the
/// free Lie algebra: of the logarithm's result and the exponential's argument.
enum class Coordinates { signature, words, brackets };

/// A batch of R rows. Column counts: `columns` of the coordinates, one more
/// with a scalar term, which stands first, is 1, and has no gradient.
struct SeriesShape {
  TensorSeries series = TensorSeries::logarithm;
  std::int64_t rows = 0;
  std::int64_t channels = 0;
  int depth = 0;
  Coordinates argument = Coordinates::signature;
  Coordinates result = Coordinates::signature;
  bool argument_scalar_term = false;
  bool result_scalar_term = false;
  /// Lyndon words, and their table with the maps that argument and result
  /// need; none where both are `signature`. Sizes alone need the number only.
  std::int64_t lyndon_words = 0;
  const LyndonTable* lyndon = nullptr;

  /// Without a scalar term.
  std::int64_t columns(Coordinates coordinates) const;
  std::int64_t argument_columns() const {
    return columns(argument) + argument_scalar_term;
  }
  std::int64_t result_columns() const {
    return columns(result) + result_scalar_term;
  }
};

namespace cpu {

/// What a call computes: f, its gradient, or the derivatives of both.
enum class SeriesCall { forward, backward, second };

/// Bytes of scratch memory that a call needs; a double because no int64 need
/// hold it.
double series_workspace_bytes(const SeriesShape& shape, std::size_t element,
                              SeriesCall call);

/// Writes out = f(x). x is [R, argument_columns], out [R, result_columns].
/// `workspace` is aligned to 64 bytes. The result is the same for any number
/// of threads. Runs the kernels of `active_isa()`.
template <class T>
void series_forward(const SeriesShape& shape, const T* x, T* out,
                    void* workspace);

/// Writes dx, the gradient of sum(dout * f(x)), shaped like x and out.
template <class T>
void series_backward(const SeriesShape& shape, const T* x, const T* dout, T* dx,
                     void* workspace);

/// Writes slope, the derivative of f along the direction v, shaped like out,
/// and dx, that of the gradient of sum(dout * f(x)), shaped like x: by f and
/// its gradient over numbers a + e b with e^2 = 0. Either may be null; dout is
/// not read without dx. A scalar term has 0.
template <class T>
void series_second(const SeriesShape& shape, const T* x, const T* v,
                   const T* dout, T* slope, T* dx, void* workspace);

}  // namespace cpu

/// The same by device. On a GPU the kernels take scratch memory
/// themselves.
template <class T>
void series_forward(Cpu, const SeriesShape& shape, const T* x, T* out,
                    void* workspace) {
  cpu::series_forward(shape, x, out, workspace);
}
template <class T>
void series_backward(Cpu, const SeriesShape& shape, const T* x, const T* dout,
                     T* dx, void* workspace) {
  cpu::series_backward(shape, x, dout, dx, workspace);
}
template <class T>
void series_forward(Cuda, const SeriesShape& shape, const T* x, T* out,
                    void* workspace);
template <class T>
void series_backward(Cuda, const SeriesShape& shape, const T* x, const T* dout,
                     T* dx, void* workspace);

template <class T>
void series_second(Cpu, const SeriesShape& shape, const T* x, const T* v,
                   const T* dout, T* slope, T* dx, void* workspace) {
  cpu::series_second(shape, x, v, dout, slope, dx, workspace);
}
template <class T>
void series_second(Cuda, const SeriesShape& shape, const T* x, const T* v,
                   const T* dout, T* slope, T* dx, void* workspace);

}  // namespace sigtape
