// Horner's scheme by whole products: one launch for each, one thread for each
// word of its result, which gathers what the word is a sum of.
#include "sigtape/framework/cuda/scratch.h"
#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/layers/signature/dual_cuda.h"
#include "sigtape/layers/signature/lyndon_copy.h"
#include "sigtape/layers/signature/signature_words_cuda.h"
#include "sigtape/layers/signature/tensor_series_kernels.h"

namespace sigtape {

namespace {

using cuda::first_word;
using cuda::power;
using cuda::words_to;

// Rows of numbers, `stride` apart.
template <class T>
struct Rows {
  T* first;
  std::int64_t stride;

  __device__ T* operator[](std::int64_t row) const {
    return first + row * stride;
  }
};

struct Word {
  int level;
  std::int64_t number;

  __device__ Word(std::int64_t column, std::int64_t d)
      : level(1), number(column) {
    for (std::int64_t count = d; number >= count; ++level, count *= d)
      number -= count;
  }
};

// z = x (x) (c + y) on levels 1 to `top`, or at `select`ed columns only.
template <class T>
struct ShiftedProduct {
  std::int64_t d, count;
  Rows<const T> x, y;
  T c;
  const std::int64_t* select;
  Rows<T> z;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t row = item / count, at = item % count;
    const std::int64_t column = select ? select[at] : at;
    const Word word(column, d);
    const T *left = x[row], *right = y[row];
    T sum = left[column] * c;
    for (int k = 1; k < word.level; ++k) {
      const std::int64_t tail = power(d, word.level - k);
      sum += left[first_word(d, k) + word.number / tail] *
             right[first_word(d, word.level - k) + word.number % tail];
    }
    z[row][at] = sum;
  }
};

// dx (+)= the gradient of sum(dz * (x (x) (c + y))), levels 1 to `top`.
template <class T>
struct LeftAdjoint {
  std::int64_t d, count;
  int top;
  Rows<const T> y;
  T c;
  Rows<const T> dz;
  bool accumulate;
  Rows<T> dx;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t row = item / count, column = item % count;
    const Word word(column, d);
    const T *right = y[row], *from = dz[row];
    T sum = from[column] * c;
    for (int n = word.level + 1; n <= top; ++n) {
      const std::int64_t words = power(d, n - word.level);
      const T* line = from + first_word(d, n) + word.number * words;
      const T* factor = right + first_word(d, n - word.level);
      for (std::int64_t w = 0; w < words; ++w) sum += line[w] * factor[w];
    }
    T& to = dx[row][column];
    to = accumulate ? to + sum : sum;
  }
};

// dy, on levels 1 to top - 1.
template <class T>
struct RightAdjoint {
  std::int64_t d, count;
  int top;
  Rows<const T> x, dz;
  Rows<T> dy;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t row = item / count, column = item % count;
    const Word word(column, d);
    const T *left = x[row], *from = dz[row];
    const std::int64_t below = power(d, word.level);
    T sum = 0;
    for (int k = 1; k + word.level <= top; ++k) {
      const T* line = from + first_word(d, k + word.level) + word.number;
      const T* factor = left + first_word(d, k);
      for (std::int64_t u = 0; u < power(d, k); ++u)
        sum += factor[u] * line[u * below];
    }
    dy[row][column] = sum;
  }
};

// One thread for each row: coefficients of Lyndon words to those of brackets,
// in place, by substitution.
template <class T>
struct WordsToBrackets {
  SparseRows a;
  std::int64_t count;
  Rows<T> rows;

  __device__ void operator()(std::int64_t row) const {
    T* z = rows[row];
    for (std::int64_t i = 0; i < count; ++i) {
      T sum = z[i];
      for (std::int64_t k = a.begin[i]; k < a.begin[i + 1]; ++k)
        sum -= z[a.column[k]] * static_cast<T>(a.coefficient[k]);
      z[i] = sum;
    }
  }
};

template <class T>
struct WordsToBracketsAdjoint {
  SparseRows a;
  std::int64_t count;
  Rows<T> rows;

  __device__ void operator()(std::int64_t row) const {
    T* dz = rows[row];
    for (std::int64_t i = count - 1; i >= 0; --i) {
      const T from = dz[i];
      for (std::int64_t k = a.begin[i]; k < a.begin[i + 1]; ++k)
        dz[a.column[k]] -= from * static_cast<T>(a.coefficient[k]);
    }
  }
};

// The coefficient of every word, from those of the brackets.
template <class T>
struct ExpandBrackets {
  SparseRows a;
  std::int64_t columns;
  Rows<const T> z;
  Rows<T> x;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t row = item / columns, column = item % columns;
    T sum = 0;
    for (std::int64_t k = a.begin[column]; k < a.begin[column + 1]; ++k)
      sum += z[row][a.column[k]] * static_cast<T>(a.coefficient[k]);
    x[row][column] = sum;
  }
};

// One thread for each row.
template <class T>
struct ExpandBracketsAdjoint {
  SparseRows a;
  std::int64_t columns, count;
  Rows<const T> dx;
  Rows<T> dz;

  __device__ void operator()(std::int64_t row) const {
    for (std::int64_t i = 0; i < count; ++i) dz[row][i] = 0;
    for (std::int64_t column = 0; column < columns; ++column) {
      for (std::int64_t k = a.begin[column]; k < a.begin[column + 1]; ++k) {
        dz[row][a.column[k]] +=
            dx[row][column] * static_cast<T>(a.coefficient[k]);
      }
    }
  }
};

template <class T>
struct CopyRows {
  std::int64_t count;
  Rows<const T> from;
  Rows<T> to;

  __device__ void operator()(std::int64_t item) const {
    to[item / count][item % count] = from[item / count][item % count];
  }
};

// Zeros but at the columns of Lyndon words, which rise with their number.
template <class T>
struct SpreadLyndon {
  std::int64_t columns, count;
  const std::int64_t* lyndon;
  Rows<const T> from;
  Rows<T> to;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t row = item / columns, column = item % columns;
    std::int64_t low = 0, high = count;
    while (low < high) {
      const std::int64_t middle = (low + high) / 2;
      if (lyndon[middle] < column) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const bool found = low < count && lyndon[low] == column;
    to[row][column] = found ? from[row][low] : T(0);
  }
};

template <class T>
struct FillColumn {
  Rows<T> rows;
  T value;

  __device__ void operator()(std::int64_t row) const { *rows[row] = value; }
};

// c_k of f(x) = sum_k c_k x^k.
double coefficient(TensorSeries series, int k) {
  const double sign = k % 2 ? 1 : -1;
  if (series == TensorSeries::inverse) return -sign;
  if (series == TensorSeries::logarithm) return sign / k;
  double factorial = 1;
  for (int i = 2; i <= k; ++i) factorial *= i;
  return 1 / factorial;
}

// One call: its arrays, and its steps in the order of Horner's scheme.
template <class T>
class Series {
 public:
  Series(Cuda device, const SeriesShape& shape)
      : device_(device),
        shape_(shape),
        d_(shape.channels),
        rows_(shape.rows),
        all_(words_to(d_, shape.depth)),
        expanded_(is_lie() ? rows_ * all_ : 0, device.device),
        argument_(is_lie() ? rows_ * shape.lyndon_words : 0, device.device),
        partials_(rows_ * partial_columns(), device.device) {
    if (shape.lyndon)
      table_ = &lyndon_on_device(*shape.lyndon, all_, device.device);
  }

  void forward(const T* x, T* out) {
    read_argument(x);
    compute_partials();
    const std::int64_t width = shape_.result_columns();
    const Rows<T> z{out + shape_.result_scalar_term, width};
    const bool full = shape_.result == Coordinates::signature;
    const std::int64_t count = full ? all_ : shape_.lyndon_words;
    run(rows_ * count, ShiftedProduct<T>{d_, count, x_, partial(1), c(1),
                                         full ? nullptr : table_->column, z});
    if (shape_.result == Coordinates::brackets) {
      run(rows_, WordsToBrackets<T>{table_->words_of_brackets,
                                    shape_.lyndon_words, z});
    }
    if (shape_.result_scalar_term)
      run(rows_, FillColumn<T>{{out, width}, T(1)});
  }

  void backward(const T* x, const T* dout, T* dx_out) {
    read_argument(x);
    compute_partials();
    const cuda::Scratch<T> full(
        shape_.result == Coordinates::signature ? 0 : rows_ * all_,
        device_.device);
    const cuda::Scratch<T> dx(is_lie() ? rows_ * all_ : 0, device_.device);
    const std::int64_t lower = words_to(d_, shape_.depth - 1);
    const cuda::Scratch<T> dy(rows_ * lower, device_.device),
        dnext(rows_ * lower, device_.device);
    Rows<const T> dz = cotangent(dout, full.data());
    const std::int64_t width = shape_.argument_columns();
    const Rows<T> to =
        is_lie() ? Rows<T>{dx.data(), all_}
                 : Rows<T>{dx_out + shape_.argument_scalar_term, width};
    T *current = dy.data(), *other = dnext.data();
    for (int k = 0; k < shape_.depth; ++k) {
      const int top = shape_.depth - k;
      const std::int64_t count = words_to(d_, top);
      const std::int64_t below = words_to(d_, top - 1);
      run(rows_ * count, LeftAdjoint<T>{d_, count, top, partial(k + 1),
                                        c(k + 1), dz, k > 0, to});
      if (below > 0) {
        run(rows_ * below,
            RightAdjoint<T>{d_, below, top, x_, dz, {current, below}});
      }
      dz = {current, below};
      T* const swapped = current;
      current = other;
      other = swapped;
    }
    write_gradient({to.first, to.stride}, dx_out);
  }

 private:
  bool is_lie() const { return shape_.argument != Coordinates::signature; }
  T c(int k) const { return static_cast<T>(coefficient(shape_.series, k)); }

  template <class F>
  void run(std::int64_t count, const F& f) const {
    cuda::for_each(device_, count, f);
  }

  // Of y_1 to y_(N-1), y_k on levels 1 to N - k.
  std::int64_t partial_columns() const {
    std::int64_t sum = 0;
    for (int k = 1; k < shape_.depth; ++k)
      sum += words_to(d_, shape_.depth - k);
    return sum;
  }
  Rows<T> mutable_partial(int k) const {
    std::int64_t before = 0;
    for (int j = 1; j < k; ++j) before += words_to(d_, shape_.depth - j);
    return {partials_.data() + rows_ * before, words_to(d_, shape_.depth - k)};
  }
  Rows<const T> partial(int k) const {
    const Rows<T> rows = mutable_partial(k);
    return {rows.first, rows.stride};
  }

  void read_argument(const T* x) {
    const Rows<const T> given{x + shape_.argument_scalar_term,
                              shape_.argument_columns()};
    x_ = given;
    if (!is_lie()) return;
    const std::int64_t count = shape_.lyndon_words;
    const Rows<T> own{argument_.data(), count};
    run(rows_ * count, CopyRows<T>{count, given, own});
    if (shape_.argument == Coordinates::words) {
      run(rows_, WordsToBrackets<T>{table_->words_of_brackets, count, own});
    }
    run(rows_ * all_, ExpandBrackets<T>{table_->signature_of_brackets,
                                        all_,
                                        {own.first, count},
                                        {expanded_.data(), all_}});
    x_ = {expanded_.data(), all_};
  }

  void compute_partials() {
    for (int k = shape_.depth - 1; k > 0; --k) {
      const std::int64_t count = words_to(d_, shape_.depth - k);
      run(rows_ * count,
          ShiftedProduct<T>{d_, count, x_, partial(k + 1), c(k + 1), nullptr,
                            mutable_partial(k)});
    }
  }

  // The gradient with respect to all words of the result.
  Rows<const T> cotangent(const T* dout, T* full) const {
    const Rows<const T> given{dout + shape_.result_scalar_term,
                              shape_.result_columns()};
    if (shape_.result == Coordinates::signature) return given;
    const std::int64_t count = shape_.lyndon_words;
    const cuda::Scratch<T> words(rows_ * count, device_.device);
    const Rows<T> own{words.data(), count};
    run(rows_ * count, CopyRows<T>{count, given, own});
    if (shape_.result == Coordinates::brackets) {
      run(rows_,
          WordsToBracketsAdjoint<T>{table_->words_of_brackets, count, own});
    }
    run(rows_ * all_,
        SpreadLyndon<T>{
            all_, count, table_->column, {own.first, count}, {full, all_}});
    return {full, all_};
  }

  void write_gradient(const Rows<const T>& dx, T* out) const {
    const std::int64_t width = shape_.argument_columns();
    const Rows<T> to{out + shape_.argument_scalar_term, width};
    if (is_lie()) {
      const std::int64_t count = shape_.lyndon_words;
      run(rows_, ExpandBracketsAdjoint<T>{table_->signature_of_brackets, all_,
                                          count, dx, to});
      if (shape_.argument == Coordinates::words) {
        run(rows_,
            WordsToBracketsAdjoint<T>{table_->words_of_brackets, count, to});
      }
    }
    if (shape_.argument_scalar_term)
      run(rows_, FillColumn<T>{{out, width}, T(0)});
  }

  Cuda device_;
  const SeriesShape& shape_;
  std::int64_t d_, rows_, all_;
  cuda::Scratch<T> expanded_, argument_, partials_;
  const LyndonTable* table_ = nullptr;
  Rows<const T> x_{};
};

}  // namespace

template <class T>
void series_forward(Cuda device, const SeriesShape& shape, const T* x, T* out,
                    void*) {
  Series<T>(device, shape).forward(x, out);
}

template <class T>
void series_backward(Cuda device, const SeriesShape& shape, const T* x,
                     const T* dout, T* dx, void*) {
  Series<T>(device, shape).backward(x, dout, dx);
}

template <class T>
void series_second(Cuda device, const SeriesShape& shape, const T* x,
                   const T* v, const T* dout, T* slope, T* dx, void*) {
  using cuda::Dual;
  const std::int64_t inputs = shape.rows * shape.argument_columns();
  const std::int64_t outputs = shape.rows * shape.result_columns();
  const cuda::Scratch<Dual<T>> along(inputs, device.device),
      out(outputs, device.device), gradient(dx ? inputs : 0, device.device);
  cuda::join_duals(device, inputs, x, v, along.data());
  Series<Dual<T>> series(device, shape);
  if (slope) {
    series.forward(along.data(), out.data());
    cuda::take_slopes(device, outputs, out.data(), slope);
  }
  if (!dx) return;
  cuda::join_duals<T>(device, outputs, dout, nullptr, out.data());
  series.backward(along.data(), out.data(), gradient.data());
  cuda::take_slopes(device, inputs, gradient.data(), dx);
}

#define INSTANTIATE(T)                                                         \
  template void series_forward(Cuda, const SeriesShape&, const T*, T*, void*); \
  template void series_backward(Cuda, const SeriesShape&, const T*, const T*,  \
                                T*, void*);                                    \
  template void series_second(Cuda, const SeriesShape&, const T*, const T*,    \
                              const T*, T*, T*, void*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
