// One thread for each word: of a product it gathers what the word is a sum of,
// backward first the gradients that have arrived at a product, then those of
// its two factors, each in memory of its own.
#include "sigtape/framework/cuda/scratch.h"
#include "sigtape/layers/signature/dual_cuda.h"
#include "sigtape/layers/signature/signature_products_kernels.h"
#include "sigtape/layers/signature/signature_words_cuda.h"

namespace sigtape {

namespace {

using cuda::Dual;
using cuda::first_word;
using cuda::power;

// Sizes and nodes of a call.
template <class T>
struct Nodes {
  ProductsShape s;
  ProductsPlan plan;
  std::int64_t words;
  const T *leaves, *products;

  __device__ const T* node(std::int64_t group, std::int64_t i) const {
    return i < s.leaves ? leaves + (group * s.leaves + i) * words
                        : product(group, i - s.leaves);
  }
  __device__ const T* product(std::int64_t group, std::int64_t p) const {
    return products + (group * s.products + p) * words;
  }
  // The factors in the order of multiplication.
  __device__ const T* first(std::int64_t group, std::int64_t p) const {
    return node(group, s.swapped ? plan.right[p] : plan.left[p]);
  }
  __device__ const T* second(std::int64_t group, std::int64_t p) const {
    return node(group, s.swapped ? plan.left[p] : plan.right[p]);
  }
};

// A word of one of the products begin .. begin + count - 1 of every group.
struct Place {
  std::int64_t group, product, column, number;
  int level;

  __device__ Place(std::int64_t item, std::int64_t words, std::int64_t begin,
                   std::int64_t count, std::int64_t d)
      : group(item / words / count),
        product(begin + item / words % count),
        column(item % words),
        number(column),
        level(1) {
    for (std::int64_t n = d; number >= n; ++level, n *= d) number -= n;
  }
};

template <class T>
struct Multiply {
  Nodes<T> nodes;
  std::int64_t begin, count;
  T* products;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t d = nodes.s.channels;
    const Place at(item, nodes.words, begin, count, d);
    const T* a = nodes.first(at.group, at.product);
    const T* b = nodes.second(at.group, at.product);
    T sum = a[at.column] + b[at.column];
    for (int k = 1; k < at.level; ++k) {
      const std::int64_t tail = power(d, at.level - k);
      sum += a[first_word(d, k) + at.number / tail] *
             b[first_word(d, at.level - k) + at.number % tail];
    }
    products[(at.group * nodes.s.products + at.product) * nodes.words +
             at.column] = sum;
  }
};

template <class T>
struct CopyResults {
  Nodes<T> nodes;
  T* results;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t row = item / nodes.words;
    results[item] = nodes.node(
        row / nodes.s.results,
        nodes.plan.result[row % nodes.s.results])[item % nodes.words];
  }
};

// Sums over the uses of the nodes begin .. begin + count - 1, to rows of
// `stride` for each group: dresults [G, W, S] and dfactors [G, P, 2, S].
template <class T>
struct SumUses {
  Nodes<T> nodes;
  std::int64_t begin, count, first_row, stride;
  const T *dresults, *dfactors;
  T* to;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t column = item % nodes.words, row = item / nodes.words;
    const std::int64_t group = row / count, i = row % count;
    const ProductsShape& s = nodes.s;
    const std::int64_t* use_begin = nodes.plan.use_begin + begin + i;
    T sum = 0;
    for (std::int64_t k = use_begin[0]; k < use_begin[1]; ++k) {
      const std::int64_t use = nodes.plan.uses[k];
      sum +=
          use < 0
              ? dresults[(group * s.results - use - 1) * nodes.words + column]
              : dfactors[(2 * group * s.products + use) * nodes.words + column];
    }
    to[(group * stride + first_row + i) * nodes.words + column] = sum;
  }
};

// da_k[u] = dout_k[u] + sum_{n>k} sum_w dout_n[uw] b_(n-k)[w], and
// db_m[w] = dout_m[w] + sum_{k<=N-m} sum_u a_k[u] dout_(k+m)[uw].
template <class T>
struct MultiplyAdjoint {
  Nodes<T> nodes;
  std::int64_t begin, count;
  const T* dproducts;
  T* dfactors;

  __device__ T of_first(const Place& at, const T* dout, const T* b) const {
    const std::int64_t d = nodes.s.channels;
    T sum = dout[at.column];
    for (int n = at.level + 1; n <= nodes.s.depth; ++n) {
      const std::int64_t tail = power(d, n - at.level);
      const T* line = dout + first_word(d, n) + at.number * tail;
      const T* factor = b + first_word(d, n - at.level);
      for (std::int64_t w = 0; w < tail; ++w) sum += line[w] * factor[w];
    }
    return sum;
  }
  __device__ T of_second(const Place& at, const T* dout, const T* a) const {
    const std::int64_t d = nodes.s.channels, below = power(d, at.level);
    T sum = dout[at.column];
    for (int k = 1; k + at.level <= nodes.s.depth; ++k) {
      const T* line = dout + first_word(d, k + at.level) + at.number;
      const T* factor = a + first_word(d, k);
      const std::int64_t heads = power(d, k);
      for (std::int64_t u = 0; u < heads; ++u)
        sum += factor[u] * line[u * below];
    }
    return sum;
  }
  __device__ void operator()(std::int64_t item) const {
    const ProductsShape& s = nodes.s;
    const Place at(item, nodes.words, begin, count, s.channels);
    const std::int64_t row = at.group * s.products + at.product;
    const T* dout = dproducts + row * nodes.words;
    T* const da = dfactors + (2 * row + s.swapped) * nodes.words;
    T* const db = dfactors + (2 * row + !s.swapped) * nodes.words;
    da[at.column] = of_first(at, dout, nodes.second(at.group, at.product));
    db[at.column] = of_second(at, dout, nodes.first(at.group, at.product));
  }
};

template <class T>
Nodes<T> make_nodes(const ProductsShape& s, const ProductsPlan& plan,
                    const T* leaves, const T* products) {
  return {s, plan, cuda::words_to(s.channels, s.depth), leaves, products};
}

template <class T>
void multiply_all(Cuda device, const ProductsShape& s, const ProductsPlan& plan,
                  const T* leaves, T* products, T* results) {
  const Nodes<T> nodes = make_nodes<T>(s, plan, leaves, products);
  for (std::int64_t r = 0; r < s.rounds; ++r) {
    const std::int64_t begin = plan.round_begin[r];
    const std::int64_t count = plan.round_begin[r + 1] - begin;
    cuda::for_each(device, s.groups * count * nodes.words,
                   Multiply<T>{nodes, begin, count, products});
  }
  if (!results) return;
  cuda::for_each(device, s.groups * s.results * nodes.words,
                 CopyResults<T>{nodes, results});
}

template <class T>
void multiply_all_adjoint(Cuda device, const ProductsShape& s,
                          const ProductsPlan& plan, const T* leaves,
                          const T* products, const T* dresults, T* dleaves) {
  const Nodes<T> nodes = make_nodes<T>(s, plan, leaves, products);
  const std::int64_t rows = s.groups * s.products;
  const cuda::Scratch<T> dproducts(rows * nodes.words, device.device);
  const cuda::Scratch<T> dfactors(2 * rows * nodes.words, device.device);
  for (std::int64_t r = s.rounds; r-- > 0;) {
    const std::int64_t begin = plan.round_begin[r];
    const std::int64_t count = plan.round_begin[r + 1] - begin;
    const std::int64_t items = s.groups * count * nodes.words;
    cuda::for_each(device, items,
                   SumUses<T>{nodes, s.leaves + begin, count, begin, s.products,
                              dresults, dfactors.data(), dproducts.data()});
    cuda::for_each(device, items,
                   MultiplyAdjoint<T>{nodes, begin, count, dproducts.data(),
                                      dfactors.data()});
  }
  cuda::for_each(device, s.groups * s.leaves * nodes.words,
                 SumUses<T>{nodes, 0, s.leaves, 0, s.leaves, dresults,
                            dfactors.data(), dleaves});
}

}  // namespace

template <class T>
void signature_products(Cuda device, const ProductsShape& s,
                        const ProductsPlan& plan, const T* leaves, T* products,
                        T* results, void*) {
  multiply_all(device, s, plan, leaves, products, results);
}

template <class T>
void signature_products_adjoint(Cuda device, const ProductsShape& s,
                                const ProductsPlan& plan, const T* leaves,
                                const T* products, const T* dresults,
                                T* dleaves, void*) {
  multiply_all_adjoint(device, s, plan, leaves, products, dresults, dleaves);
}

template <class T>
void signature_products_second(Cuda device, const ProductsShape& s,
                               const ProductsPlan& plan, const T* leaves,
                               const T* direction, const T* dresults, T* slopes,
                               T* dleaves, void*) {
  const std::int64_t words = s.groups * cuda::words_to(s.channels, s.depth);
  const cuda::Scratch<Dual<T>> along(words * s.leaves, device.device),
      products(words * s.products, device.device),
      results(words * s.results, device.device);
  cuda::join_duals(device, words * s.leaves, leaves, direction, along.data());
  multiply_all(device, s, plan, along.data(), products.data(), results.data());
  cuda::take_slopes(device, words * s.results, results.data(), slopes);
  if (!dleaves) return;
  const cuda::Scratch<Dual<T>> gradient(words * s.leaves, device.device);
  cuda::join_duals<T>(device, words * s.results, dresults, nullptr,
                      results.data());
  multiply_all_adjoint(device, s, plan, along.data(), products.data(),
                       results.data(), gradient.data());
  cuda::take_slopes(device, words * s.leaves, gradient.data(), dleaves);
}

#define INSTANTIATE(T)                                                     \
  template void signature_products(Cuda, const ProductsShape&,             \
                                   const ProductsPlan&, const T*, T*, T*,  \
                                   void*);                                 \
  template void signature_products_adjoint(Cuda, const ProductsShape&,     \
                                           const ProductsPlan&, const T*,  \
                                           const T*, const T*, T*, void*); \
  template void signature_products_second(Cuda, const ProductsShape&,      \
                                          const ProductsPlan&, const T*,   \
                                          const T*, const T*, T*, T*, void*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
