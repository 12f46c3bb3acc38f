// Power series in the tensor algebra and their derivatives, compiled for every
// instruction set: a group of rows at a time, one in each lane.

#include "sigtape/layers/signature/signature_rows_simd.h"
#include "sigtape/layers/signature/tensor_series_walk_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {
namespace {

using cpu::SeriesPlan;

// c_k of f(x) = sum_k c_k x^k.
template <class T>
T coefficient(TensorSeries series, int k) {
  const double sign = k % 2 ? 1 : -1;
  if (series == TensorSeries::inverse) return static_cast<T>(-sign);
  if (series == TensorSeries::logarithm) return static_cast<T>(sign / k);
  double factorial = 1;
  for (int i = 2; i <= k; ++i) factorial *= i;
  return static_cast<T>(1 / factorial);
}

// The rows of one item.
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

// One item's computation and its place in the slot's scratch memory.
template <class T, class V>
class Item {
 public:
  Item(const SeriesShape& shape, const SeriesPlan& plan, const Rows<T, V>& rows,
       V* scratch)
      : shape_(shape),
        levels_(plan.levels),
        rows_(rows),
        top_(shape.depth),
        all_(levels_.up_to(top_)),
        x_(scratch),
        argument_(x_ + all_),
        result_(argument_ + shape.columns(shape.argument)),
        partials_(result_ + shape.columns(shape.result)),
        dx_(partials_ + plan.partial_elements),
        dy_(dx_ + all_),
        dnext_(dy_ + all_) {}

  void forward(const T* x, T* out) {
    read_argument(x);
    compute_partials();
    if (shape_.result == Coordinates::signature)
      shifted_product<T>(levels_, top_, x_, c(1), partials_, result_);
    else
      lyndon_product<T>(*shape_.lyndon, x_, c(1), partials_, result_);
    if (shape_.result == Coordinates::brackets)
      words_to_brackets<T>(*shape_.lyndon, result_);
    rows_.write(result_, shape_.columns(shape_.result),
                shape_.result_scalar_term, 1, out);
  }

  void backward(const T* x, const T* dout, T* dx) {
    read_argument(x);
    compute_partials();
    rows_.read(dout, shape_.columns(shape_.result), shape_.result_scalar_term,
               result_);
    __builtin_memset(dx_, 0, all_ * sizeof(V));
    last_product_adjoint();
    partials_adjoint();
    write_gradient(dx);
  }

 private:
  T c(int k) const { return coefficient<T>(shape_.series, k); }

  void read_argument(const T* x) {
    const bool lie = shape_.argument != Coordinates::signature;
    rows_.read(x, shape_.columns(shape_.argument), shape_.argument_scalar_term,
               lie ? argument_ : x_);
    if (shape_.argument == Coordinates::words)
      words_to_brackets<T>(*shape_.lyndon, argument_);
    if (lie) expand_brackets<T>(*shape_.lyndon, all_, argument_, x_);
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
    if (top_ > 1) __builtin_memset(dy_, 0, levels_.up_to(top_ - 1) * sizeof(V));
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

  void write_gradient(T* dx) {
    const bool lie = shape_.argument != Coordinates::signature;
    if (lie) expand_brackets_adjoint<T>(*shape_.lyndon, all_, dx_, argument_);
    if (shape_.argument == Coordinates::words)
      words_to_brackets_adjoint<T>(*shape_.lyndon, argument_);
    rows_.write(lie ? argument_ : dx_, shape_.columns(shape_.argument),
                shape_.argument_scalar_term, 0, dx);
  }

  const SeriesShape& shape_;
  const cpu::Levels& levels_;
  const Rows<T, V>& rows_;
  int top_;
  std::int64_t all_;
  V *x_, *argument_, *result_, *partials_, *dx_, *dy_, *dnext_;
};

// Calls body(item) for every item of a slot.
template <class T, class Body>
void for_each_item(const SeriesShape& shape, const SeriesPlan& plan,
                   void* workspace, std::int64_t slot, const Body& body) {
  auto* scratch = static_cast<Vec<T>*>(workspace) + slot * plan.slot_vectors;
  for (std::int64_t i = slot; i < plan.items; i += plan.slots) {
    if (i < plan.groups) {
      const Rows<T, Vec<T>> rows(i * lanes<T>(), shape.rows);
      Item<T, Vec<T>> item(shape, plan, rows, scratch);
      body(item);
    } else {
      const Rows<T, T> rows(plan.groups * lanes<T>() + i - plan.groups,
                            shape.rows);
      Item<T, T> item(shape, plan, rows, reinterpret_cast<T*>(scratch));
      body(item);
    }
  }
}

template <class T>
void forward(const SeriesShape& shape, const SeriesPlan& plan, const T* x,
             T* out, void* workspace, std::int64_t slot) {
  for_each_item<T>(shape, plan, workspace, slot,
                   [&](auto& item) { item.forward(x, out); });
}

template <class T>
void backward(const SeriesShape& shape, const SeriesPlan& plan, const T* x,
              const T* dout, T* dx, void* workspace, std::int64_t slot) {
  for_each_item<T>(shape, plan, workspace, slot,
                   [&](auto& item) { item.backward(x, dout, dx); });
}

}  // namespace

const cpu::SeriesTable<float> series_float32 = {lanes<float>(), forward<float>,
                                                backward<float>};
const cpu::SeriesTable<double> series_float64 = {
    lanes<double>(), forward<double>, backward<double>};

}  // namespace sigtape::SIGTAPE_ISA_NAME
