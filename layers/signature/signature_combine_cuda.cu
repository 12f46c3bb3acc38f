// One thread for each word of a result: it gathers what the word is a sum of.
#include "sigtape/framework/cuda/walk_cuda.h"
#include "sigtape/layers/signature/signature_combine_kernels.h"
#include "sigtape/layers/signature/signature_words_cuda.h"

namespace sigtape {

namespace {

using cuda::first_word;
using cuda::power;

std::int64_t columns_of(const ProductShape& s) {
  return cuda::words_to(s.channels, s.depth) + s.scalar_term;
}

// The word of a column: its level and its number; level 0 for a scalar term.
struct Word {
  int level;
  std::int64_t number;

  __device__ Word(std::int64_t column, std::int64_t d, int scalar_term)
      : level(0), number(column - scalar_term) {
    std::int64_t count = d;
    if (number < 0) return;
    for (level = 1; number >= count; ++level, count *= d) number -= count;
  }
};

template <class T>
struct Product {
  ProductShape s;
  std::int64_t columns;
  const T *a, *b;
  T* out;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t d = s.channels, row = item / columns * columns;
    const Word word(item - row, d, s.scalar_term);
    if (word.level == 0) {
      out[item] = s.left_one && s.right_one ? T(1) : T(0);
      return;
    }
    const T *left = a + row + s.scalar_term, *right = b + row + s.scalar_term;
    T sum = (s.right_one ? a[item] : T(0)) + (s.left_one ? b[item] : T(0));
    for (int k = 1; k < word.level; ++k) {
      const std::int64_t tail = power(d, word.level - k);
      sum += left[first_word(d, k) + word.number / tail] *
             right[first_word(d, word.level - k) + word.number % tail];
    }
    out[item] = sum;
  }
};

// da_k[u] = dout_k[u] b_0 + sum_{n>k} sum_w dout_n[uw] b_(n-k)[w].
template <class T>
struct LeftAdjoint {
  ProductShape s;
  std::int64_t columns;
  const T *b, *dout;
  T* da;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t d = s.channels, row = item / columns * columns;
    const Word word(item - row, d, s.scalar_term);
    T sum = word.level > 0 && s.right_one ? dout[item] : T(0);
    const T* cotangent = dout + row + s.scalar_term;
    const T* right = b + row + s.scalar_term;
    for (int n = word.level + 1; word.level > 0 && n <= s.depth; ++n) {
      const std::int64_t count = power(d, n - word.level);
      const T* line = cotangent + first_word(d, n) + word.number * count;
      const T* factor = right + first_word(d, n - word.level);
      for (std::int64_t w = 0; w < count; ++w) sum += line[w] * factor[w];
    }
    da[item] = sum;
  }
};

// db_m[w] = a_0 dout_m[w] + sum_{k<=N-m} sum_u a_k[u] dout_(k+m)[uw].
template <class T>
struct RightAdjoint {
  ProductShape s;
  std::int64_t columns;
  const T *a, *dout;
  T* db;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t d = s.channels, row = item / columns * columns;
    const Word word(item - row, d, s.scalar_term);
    T sum = word.level > 0 && s.left_one ? dout[item] : T(0);
    const T* cotangent = dout + row + s.scalar_term;
    const T* left = a + row + s.scalar_term;
    const std::int64_t below = power(d, word.level);
    for (int k = 1; word.level > 0 && k + word.level <= s.depth; ++k) {
      const T* line = cotangent + first_word(d, k + word.level) + word.number;
      const T* factor = left + first_word(d, k);
      for (std::int64_t u = 0; u < power(d, k); ++u)
        sum += factor[u] * line[u * below];
    }
    db[item] = sum;
  }
};

}  // namespace

template <class T>
void signature_product(Cuda device, const ProductShape& shape, const T* a,
                       const T* b, T* out) {
  const std::int64_t columns = columns_of(shape);
  cuda::for_each(device, shape.batch * columns,
                 Product<T>{shape, columns, a, b, out});
}

template <class T>
void signature_product_adjoint(Cuda device, const ProductShape& shape,
                               const T* a, const T* b, const T* dout, T* da,
                               T* db) {
  const std::int64_t columns = columns_of(shape);
  if (da) {
    cuda::for_each(device, shape.batch * columns,
                   LeftAdjoint<T>{shape, columns, b, dout, da});
  }
  if (db) {
    cuda::for_each(device, shape.batch * columns,
                   RightAdjoint<T>{shape, columns, a, dout, db});
  }
}

#define INSTANTIATE(T)                                                         \
  template void signature_product(Cuda, const ProductShape&, const T*,         \
                                  const T*, T*);                               \
  template void signature_product_adjoint(Cuda, const ProductShape&, const T*, \
                                          const T*, const T*, T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
