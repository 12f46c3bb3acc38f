#pragma once

// Power series in the tensor algebra and their derivatives, of the rows of one
// item. See tensor_series_kernels.h for the terms.

#include "sigtape/layers/signature/signature_rows_simd.h"
#include "sigtape/layers/signature/tensor_series_walk_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// c_k of f(x) = sum_k c_k x^k.
template <class T>
T coefficient(TensorSeries series, int k) {
  const double sign = k % 2 ? 1 : -1;
  if (series == TensorSeries::inverse) return static_cast<T>(-sign);
  if (series == TensorSeries::logarithm) return static_cast<T>(sign / k);
  double factorial = 1;
  for (int i = 2; i <= k; ++i) factorial *= i;
  return static_cast<T>(1 / factorial);
}

/// The rows of one item, V being T or Vec<T>.
template <class T, class V>
struct Rows {
  static constexpr int kCount = sizeof(V) / sizeof(T);
  std::int64_t row[kCount];

  // Lanes without a row of their own repeat the last one.
  Rows(std::int64_t first, std::int64_t rows) {
    for (int lane = 0; lane < kCount; ++lane)
      row[lane] = first + lane < rows ? first + lane : rows - 1;
  }

  void read(const T* from, std::int64_t columns, bool scalar_term,
            V* to) const {
    const T* begin[kCount];
    for (int lane = 0; lane < kCount; ++lane)
      begin[lane] = from + row[lane] * (columns + scalar_term) + scalar_term;
    if constexpr (kCount == 1)
      __builtin_memcpy(to, begin[0], columns * sizeof(T));
    else
      to_lanes<T>(begin, columns, to);
  }

  void write(const V* from, std::int64_t columns, bool scalar_term, T scalar,
             T* to) const {
    T* begin[kCount];
    for (int lane = 0; lane < kCount; ++lane) {
      begin[lane] = to + row[lane] * (columns + scalar_term);
      if (scalar_term) *begin[lane]++ = scalar;
    }
    if constexpr (kCount == 1)
      __builtin_memcpy(begin[0], from, columns * sizeof(T));
    else
      to_rows<T>(from, columns, begin);
  }
};

/// One item's computation and its place in the slot's scratch memory; V is T,
/// Vec<T>, or a Dual of one of them.
template <class T, class V>
class Item {
 public:
  Item(const SeriesShape& shape, const cpu::SeriesPlan& plan, V* scratch)
      : shape_(shape),
        levels_(plan.levels),
        lie_(shape.argument != Coordinates::signature),
        top_(shape.depth),
        all_(levels_.up_to(top_)),
        x_(scratch),
        argument_(x_ + all_),
        result_(argument_ + shape.columns(shape.argument)),
        partials_(result_ + shape.columns(shape.result)),
        dx_(partials_ + plan.partial_elements),
        dy_(dx_ + all_),
        dnext_(dy_ + all_) {}

  /// Where x is put, and, for the way back, the result's gradient. Both calls
  /// may change x.
  V* argument() const { return lie_ ? argument_ : x_; }
  V* result() const { return result_; }
  /// Where `backward` leaves that of x.
  const V* gradient() const { return lie_ ? argument_ : dx_; }

  void forward() {
    expand_argument();
    compute_partials();
    if (shape_.result == Coordinates::signature)
      shifted_product<T>(levels_, top_, x_, c(1), partials_, result_);
    else
      lyndon_product<T>(*shape_.lyndon, x_, c(1), partials_, result_);
    if (shape_.result == Coordinates::brackets)
      words_to_brackets<T>(*shape_.lyndon, result_);
  }

  void backward() {
    expand_argument();
    compute_partials();
    __builtin_memset(static_cast<void*>(dx_), 0, all_ * sizeof(V));
    last_product_adjoint();
    partials_adjoint();
    if (lie_) expand_brackets_adjoint<T>(*shape_.lyndon, all_, dx_, argument_);
    if (shape_.argument == Coordinates::words)
      words_to_brackets_adjoint<T>(*shape_.lyndon, argument_);
  }

 private:
  T c(int k) const { return coefficient<T>(shape_.series, k); }

  void expand_argument() {
    if (shape_.argument == Coordinates::words)
      words_to_brackets<T>(*shape_.lyndon, argument_);
    if (lie_) expand_brackets<T>(*shape_.lyndon, all_, argument_, x_);
  }

  // y_(N-1) to y_1, of which y_1 stands first.
  void compute_partials() {
    V* end = partials_;
    for (int k = 1; k < top_; ++k) end += levels_.up_to(top_ - k);
    const V* next = end;
    for (int k = top_ - 1; k > 0; --k) {
      V* y = end -= levels_.up_to(top_ - k);
      shifted_product<T>(levels_, top_ - k, x_, c(k + 1), next, y);
      next = y;
    }
  }

  // From the result's gradient to dx and, in dy_, that of y_1.
  void last_product_adjoint() {
    if (shape_.result == Coordinates::signature)
      return shifted_product_adjoint<T>(levels_, top_, x_, c(1), partials_,
                                        result_, dx_, dy_);
    if (shape_.result == Coordinates::brackets)
      words_to_brackets_adjoint<T>(*shape_.lyndon, result_);
    if (top_ > 1) {
      __builtin_memset(static_cast<void*>(dy_), 0,
                       levels_.up_to(top_ - 1) * sizeof(V));
    }
    lyndon_product_adjoint<T>(*shape_.lyndon, x_, c(1), partials_, result_, dx_,
                              dy_);
  }

  void partials_adjoint() {
    const V* y = partials_;
    for (int k = 1; k < top_; ++k) {
      y += levels_.up_to(top_ - k);
      shifted_product_adjoint<T>(levels_, top_ - k, x_, c(k + 1), y, dy_, dx_,
                                 dnext_);
      V* const swapped = dy_;
      dy_ = dnext_;
      dnext_ = swapped;
    }
  }

  const SeriesShape& shape_;
  const cpu::Levels& levels_;
  bool lie_;
  int top_;
  std::int64_t all_;
  V *x_, *argument_, *result_, *partials_, *dx_, *dy_, *dnext_;
};

}  // namespace sigtape::SIGTAPE_ISA_NAME
