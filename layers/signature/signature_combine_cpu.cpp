// One tile is the words that begin with one letter, of one pair of
// signatures: they are sums that no other tile adds to.
#include <algorithm>

#include "sigtape/framework/parallel.h"
#include "sigtape/layers/signature/channels.h"
#include "sigtape/layers/signature/signature_combine_kernels.h"
#include "sigtape/layers/signature/signature_words.h"

namespace sigtape {

namespace {

// Where the levels of one signature stand, and those words of a level that
// begin with `letter`.
struct Words {
  std::int64_t channels;
  int depth;
  std::int64_t letter;
  bool left_one, right_one;

  std::int64_t count(int level) const {
    return words_of_level(channels, level);
  }
  std::int64_t begin(int level) const { return level_offset(channels, level); }
  // Words of `level` with this first letter: their number, their first one.
  std::int64_t own(int level) const { return count(level - 1); }
  std::int64_t own_begin(int level) const {
    return begin(level) + letter * own(level);
  }
};

// Calls body(words, offset of the signature's first word) for every tile.
template <class Body>
void for_each_tile(const ProductShape& shape, const Body& body) {
  const std::int64_t d = shape.channels;
  const std::int64_t columns =
      signature_channels(d, shape.depth, shape.scalar_term);
  const std::int64_t work = words_of_level(d, shape.depth - 1) * shape.depth;
  const std::int64_t grain = std::max<std::int64_t>(1, 32768 / work);
  parallel_ranges(
      shape.batch * d, grain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t tile = begin; tile < end; ++tile)
          body(Words{d, shape.depth, tile % d, shape.left_one, shape.right_one},
               tile / d * columns + shape.scalar_term);
      });
}

template <class T>
void fill_scalar_terms(const ProductShape& shape, T value, T* out) {
  if (!shape.scalar_term) return;
  const std::int64_t columns =
      signature_channels(shape.channels, shape.depth, true);
  for (std::int64_t b = 0; b < shape.batch; ++b) out[b * columns] = value;
}

// out = a + b, either of which may be left out.
template <class T>
void sum_of(const T* a, bool with_a, const T* b, bool with_b,
            std::int64_t count, T* out) {
  if (with_a && with_b) {
    for (std::int64_t w = 0; w < count; ++w) out[w] = a[w] + b[w];
  } else if (with_a || with_b) {
    std::copy_n(with_a ? a : b, count, out);
  } else {
    std::fill_n(out, count, T(0));
  }
}

template <class T>
void product_tile(const Words& words, const T* a, const T* b, T* out) {
  for (int n = 1; n <= words.depth; ++n) {
    const std::int64_t at = words.own_begin(n);
    sum_of(a + at, words.right_one, b + at, words.left_one, words.own(n),
           out + at);
    for (int k = 1; k < n; ++k) {
      const T* left = a + words.own_begin(k);
      const T* right = b + words.begin(n - k);
      const std::int64_t count = words.count(n - k);
      for (std::int64_t u = 0; u < words.own(k); ++u) {
        T* row = out + at + u * count;
        for (std::int64_t w = 0; w < count; ++w) row[w] += left[u] * right[w];
      }
    }
  }
}

// da_k[u] = dout_k[u] b_0 + sum_{n>k} sum_w dout_n[uw] b_(n-k)[w].
template <class T>
void left_adjoint_tile(const Words& words, const T* b, const T* dout, T* da) {
  for (int k = 1; k <= words.depth; ++k) {
    const std::int64_t at = words.own_begin(k);
    sum_of(dout + at, words.right_one, dout, false, words.own(k), da + at);
    for (int n = k + 1; n <= words.depth; ++n) {
      const T* right = b + words.begin(n - k);
      const std::int64_t count = words.count(n - k);
      const T* row = dout + words.own_begin(n);
      for (std::int64_t u = 0; u < words.own(k); ++u, row += count) {
        T sum = 0;
        for (std::int64_t w = 0; w < count; ++w) sum += row[w] * right[w];
        da[at + u] += sum;
      }
    }
  }
}

// db_m[w] = a_0 dout_m[w] + sum_{k<=N-m} sum_u a_k[u] dout_(k+m)[uw].
template <class T>
void right_adjoint_tile(const Words& words, const T* a, const T* dout, T* db) {
  for (int m = 1; m <= words.depth; ++m) {
    const std::int64_t at = words.own_begin(m);
    const std::int64_t own = words.own(m);
    sum_of(dout + at, words.left_one, dout, false, own, db + at);
    for (int k = 1; k + m <= words.depth; ++k) {
      const T* left = a + words.begin(k);
      const T* row = dout + words.begin(k + m) + words.letter * own;
      for (std::int64_t u = 0; u < words.count(k); ++u, row += words.count(m))
        for (std::int64_t w = 0; w < own; ++w) db[at + w] += left[u] * row[w];
    }
  }
}

}  // namespace

template <class T>
void signature_product(Cpu, const ProductShape& shape, const T* a, const T* b,
                       T* out) {
  fill_scalar_terms(shape, T(shape.left_one && shape.right_one), out);
  for_each_tile(shape, [&](const Words& words, std::int64_t at) {
    product_tile(words, a + at, b + at, out + at);
  });
}

template <class T>
void signature_product_adjoint(Cpu, const ProductShape& shape, const T* a,
                               const T* b, const T* dout, T* da, T* db) {
  if (da) fill_scalar_terms(shape, T(0), da);
  if (db) fill_scalar_terms(shape, T(0), db);
  for_each_tile(shape, [&](const Words& words, std::int64_t at) {
    if (da) left_adjoint_tile(words, b + at, dout + at, da + at);
    if (db) right_adjoint_tile(words, a + at, dout + at, db + at);
  });
}

#define INSTANTIATE(T)                                                        \
  template void signature_product(Cpu, const ProductShape&, const T*,         \
                                  const T*, T*);                              \
  template void signature_product_adjoint(Cpu, const ProductShape&, const T*, \
                                          const T*, const T*, T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
