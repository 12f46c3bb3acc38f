#pragma once

#include "sigtape/layers/signature/dual_cuda.h"
#include "sigtape/layers/signature/levels_cuda.h"
#include "sigtape/layers/signature/signature_chain_cuda.h"

/// What a thread of signature_chain_cuda.h holds, and its steps in time.
namespace sigtape::cuda {

// The word p of N - 1 letters: where its prefixes and the words below it stand
// in a row.
template <int N>
struct Place {
  using D = Depth<N>;
  std::int64_t d, p, reversed;
  std::int64_t prefixes;  // d^(N-1)
  std::int64_t letters[D::most + 1];
  RowFormat format;
  typename D::Type depth;

  __device__ __forceinline__ Place(const RowFormat& row, std::int64_t channels,
                                   int levels, std::int64_t word)
      : d(channels),
        p(word),
        reversed(0),
        prefixes(power(channels, levels - 1)),
        format(row),
        depth(D::of(levels)) {
    std::int64_t rest = p;
    each_down(Constant<1>(), previous(depth), [&](auto k) {
      letters[k] = rest % d;
      rest /= d;
      reversed = reversed * d + letters[k];
    });
  }

  // p's prefix of k letters, as a number; whether p is the first with it.
  __device__ __forceinline__ std::int64_t head(int k) const {
    return p / power(d, depth - 1 - k);
  }
  __device__ __forceinline__ bool owns(int k) const {
    return p % power(d, depth - 1 - k) == 0;
  }
  __device__ __forceinline__ std::int64_t column(int k) const {
    return format.scalar_term + first_word(d, k) +
           (format.inverse ? reversed % power(d, k) : head(k));
  }
  // Of the word p i; leaf_step() from one i to the next.
  __device__ __forceinline__ std::int64_t leaf() const {
    return format.scalar_term + first_word(d, depth) +
           (format.inverse ? reversed : p * d);
  }
  __device__ __forceinline__ std::int64_t leaf_step() const {
    return format.inverse ? prefixes : 1;
  }
  template <class T>
  __device__ __forceinline__ T sign(int k) const {
    return format.inverse && k % 2 ? T(-1) : T(1);
  }
};

// The signature at the prefixes of a word.
template <class T, int N>
struct Chain {
  using D = Depth<N>;
  T at[D::most + 1];  // [k]: the prefix of k letters

  __device__ __forceinline__ void set_one(const Place<N>& place) {
    each(Constant<1>(), previous(place.depth), [&](auto k) { at[k] = 0; });
  }

  __device__ __forceinline__ void load(const Place<N>& place, const T* row) {
    each(Constant<1>(), previous(place.depth), [&](auto k) {
      at[k] = place.template sign<T>(k) * row[place.column(k)];
    });
  }

  // Each word by one thread only.
  __device__ __forceinline__ void store(const Place<N>& place, T* row) const {
    each(Constant<1>(), previous(place.depth), [&](auto k) {
      if (place.owns(k))
        row[place.column(k)] = place.template sign<T>(k) * at[k];
    });
  }

  // Lower levels alone, whatever the format of rows.
  __device__ __forceinline__ void save(const Place<N>& place, T* lower) const {
    each(Constant<1>(), previous(place.depth), [&](auto k) {
      if (place.owns(k)) lower[first_word(place.d, k) + place.head(k)] = at[k];
    });
  }
  __device__ __forceinline__ void restore(const Place<N>& place,
                                          const T* lower) {
    each(Constant<1>(), previous(place.depth), [&](auto k) {
      at[k] = lower[first_word(place.d, k) + place.head(k)];
    });
  }

  // *this = *this (x) exp(Sign * dx). Returns what the words below are raised
  // by, but for their last letter's increment.
  template <int Sign>
  __device__ __forceinline__ T advance(const Place<N>& place, const T* dx) {
    T g[D::most + 1];  // [n]: Horner's partial sum on the way to level n
    each(Constant<1>(), place.depth, [&](auto n) { g[n] = 1; });
    each(Constant<1>(), previous(place.depth), [&](auto k) {
      const T x = Sign * dx[place.letters[k]], old = at[k];
      at[k] += g[k] * x;
      each(next(k), place.depth,
           [&](auto n) { g[n] = old + g[n] * (x * (T(1) / T(n - k + 1))); });
    });
    return g[place.depth];
  }

  // The same without a change.
  __device__ __forceinline__ T partial(const Place<N>& place,
                                       const T* dx) const {
    Chain copy = *this;
    return copy.template advance<1>(place, dx);
  }
};

// Back through one increment. `chain` is the signature before it, `adjoint`
// that after it, which becomes that before it; dleaf is the gradient of what
// advance returns. dletters[k - 1]: the gradient of the increment's channel
// letters[k].
template <class T, int N>
__device__ __forceinline__ void go_back(const Place<N>& place,
                                        const Chain<T, N>& chain, const T* dx,
                                        T dleaf, Chain<T, N>& adjoint,
                                        T* dletters) {
  constexpr int most = Depth<N>::most;
  const auto depth = place.depth;
  T g[most + 1][most + 1], dg[most + 1], x[most + 1];
  each(Constant<1>(), depth, [&](auto n) {
    g[0][n] = 1;
    dg[n] = 0;
  });
  each(Constant<1>(), previous(depth), [&](auto k) {
    x[k] = dx[place.letters[k]];
    each(next(k), depth, [&](auto n) {
      g[k][n] = chain.at[k] + g[k - 1][n] * (x[k] * (T(1) / T(n - k + 1)));
    });
  });
  dg[depth] = dleaf;
  each_down(Constant<1>(), previous(depth), [&](auto k) {
    const T a = adjoint.at[k];
    T sum = a, dletter = a * g[k - 1][k];
    each(next(k), depth, [&](auto n) {
      const T scaled = dg[n] * (T(1) / T(n - k + 1));
      sum += dg[n];
      dg[n] = scaled * x[k];
      dletter += scaled * g[k - 1][n];
    });
    dg[k] = a * x[k];
    dletters[k - 1] = dletter;
    adjoint.at[k] = sum;
  });
}

// body(Constant<N>) for a depth with kernels of its own, Constant<0> for
// others and for numbers with a derivative.
template <class T, class Body>
void with_depth(int depth, const Body& body) {
  if constexpr (!is_dual<T>) {
    switch (depth) {
      case 1:
        return body(Constant<1>());
      case 2:
        return body(Constant<2>());
      case 3:
        return body(Constant<3>());
      case 4:
        return body(Constant<4>());
      case 5:
        return body(Constant<5>());
      case 6:
        return body(Constant<6>());
      case 7:
        return body(Constant<7>());
    }
  }
  body(Constant<0>());
}

}  // namespace sigtape::cuda
