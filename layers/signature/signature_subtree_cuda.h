#pragma once

#include "sigtape/layers/signature/levels_cuda.h"
#include "sigtape/layers/signature/signature_words_cuda.h"

/// A thread's share of an element of the tensor algebra: a prefix p of Q
/// letters, p's own prefixes, and all words up to M letters below p, in
/// registers. Every index is a constant after unrolling, except where it
/// depends on p.
namespace sigtape::cuda {

template <class T, int D, int Q, int M>
struct Subtree {
  static constexpr int N = Q + M, words = words_to(D, M);
  int p, spelt_backwards;
  int letters[Q + 1];             // [k]: p's letter k
  T chain[Q + 1];                 // [k]: p's first k letters
  T tree[words > 0 ? words : 1];  // the levels 1..M below p

  __device__ __forceinline__ int head(int k) const {
    return p / power(D, Q - k);
  }
  __device__ __forceinline__ int tail(int k) const {
    return p % power(D, Q - k);
  }

  __device__ __forceinline__ void set_prefix(int prefix) {
    p = prefix;
    spelt_backwards = reversed(p, D, Q);
    each<1, Q>([&](auto k) { letters[k] = head(k) % D; });
  }

  __device__ __forceinline__ void set_one() {
    chain[0] = 1;
#pragma unroll
    for (int k = 1; k <= Q; ++k) chain[k] = 0;
#pragma unroll
    for (int w = 0; w < words; ++w) tree[w] = 0;
  }

  // From all levels in plain order.
  __device__ __forceinline__ void load(const T* s) {
    chain[0] = 1;
    each<1, Q>([&](auto k) { chain[k] = s[first_word(D, k) + head(k)]; });
    each<1, M>([&](auto j) {
#pragma unroll
      for (int x = 0; x < power(D, j); ++x) {
        tree[first_word(D, j) + x] =
            s[first_word(D, Q + j) + p * power(D, j) + x];
      }
    });
  }

  // The levels up to Top in plain order, each word by one thread.
  template <int Top>
  __device__ __forceinline__ void store(T* s) const {
    each<1, (Q < Top ? Q : Top)>([&](auto k) {
      if (tail(k) == 0) s[first_word(D, k) + head(k)] = chain[k];
    });
    each<1, (M < Top - Q ? M : Top - Q)>([&](auto j) {
#pragma unroll
      for (int x = 0; x < power(D, j); ++x) {
        s[first_word(D, Q + j) + p * power(D, j) + x] =
            tree[first_word(D, j) + x];
      }
    });
  }

  // f(word of the chain or tree, column in a row, its sign, k or 0).
  template <class F>
  __device__ __forceinline__ void for_each_column(const RowFormat& format,
                                                  const F& f) {
    each<1, Q>([&](auto k) {
      const int word = format.inverse ? spelt_backwards % power(D, k) : head(k);
      f(chain[k], format.scalar_term + first_word(D, k) + word,
        format.inverse && k % 2 ? T(-1) : T(1), int(k));
    });
    each<1, M>([&](auto j) {
      const int begin = format.scalar_term + first_word(D, Q + j);
      const T sign = format.inverse && (Q + j) % 2 ? T(-1) : T(1);
#pragma unroll
      for (int x = 0; x < power(D, j); ++x) {
        const int word = format.inverse ? reversed(x, D, int(j)) * power(D, Q) +
                                              spelt_backwards
                                        : p * power(D, j) + x;
        f(tree[first_word(D, j) + x], begin + word, sign, 0);
      }
    });
  }

  // From and to a row of a result.
  __device__ __forceinline__ void load(const RowFormat& format, const T* row) {
    chain[0] = 1;
    for_each_column(format, [&](T& word, int column, T sign, int) {
      word = sign * row[column];
    });
  }
  __device__ __forceinline__ void store(const RowFormat& format, T* row) {
    if (format.scalar_term && p == 0) row[0] = 1;
    for_each_column(format, [&](T& word, int column, T sign, int k) {
      if (k == 0 || tail(k) == 0) row[column] = sign * word;
    });
  }

  // As an adjoint, which is linear in the output: each of p's prefixes is the
  // business of one thread only.
  __device__ __forceinline__ void load_adjoint(const RowFormat& format,
                                               const T* row) {
    for_each_column(format, [&](T& word, int column, T sign, int k) {
      word = k == 0 || tail(k) == 0 ? sign * row[column] : T(0);
    });
  }

  // *this = *this (x) b. Long words first: a word needs only the old values of
  // shorter ones.
  __device__ __forceinline__ void multiply(const T* b) {
    each_down<1, M>([&](auto j) {
#pragma unroll
      for (int x = 0; x < power(D, j); ++x) {
        T sum = tree[first_word(D, j) + x];
        each<0, Q>([&](auto k) {
          sum += chain[k] *
                 b[first_word(D, Q - k + j) + tail(k) * power(D, j) + x];
        });
        each(Constant<1>(), previous(j), [&](auto i) {
          sum += tree[first_word(D, i) + x / power(D, j - i)] *
                 b[first_word(D, j - i) + x % power(D, j - i)];
        });
        tree[first_word(D, j) + x] = sum;
      }
    });
    each_down<1, Q>([&](auto k) {
      each(Constant<0>(), previous(k), [&](auto i) {
        chain[k] +=
            chain[i] * b[first_word(D, k - i) + tail(i) / power(D, Q - k)];
      });
    });
  }

  // As an adjoint of e, where e (x) x is the result and *this its adjoint: u
  // gets the sum over v of [uv] x[v]. p's prefixes get this thread's part
  // only. Levels of x up to N - 1 are read.
  __device__ __forceinline__ void contract(const T* x) {
    each<1, Q>([&](auto k) {
      each(next(k), Constant<Q>(), [&](auto j) {
        chain[k] +=
            chain[j] * x[first_word(D, j - k) + tail(k) / power(D, Q - j)];
      });
      each<1, M>([&](auto j) {
#pragma unroll
        for (int y = 0; y < power(D, j); ++y) {
          chain[k] += tree[first_word(D, j) + y] *
                      x[first_word(D, Q - k + j) + tail(k) * power(D, j) + y];
        }
      });
    });
    each<1, M - 1>([&](auto i) {
      each(next(i), Constant<M>(), [&](auto j) {
#pragma unroll
        for (int y = 0; y < power(D, j); ++y) {
          tree[first_word(D, i) + y / power(D, j - i)] +=
              tree[first_word(D, j) + y] *
              x[first_word(D, j - i) + y % power(D, j - i)];
        }
      });
    });
  }

  // *this = *this (x) exp(Sign * dx) for Block increments one after another;
  // dx[b][r][i] is channel i over r + 1, and step[b * D + i] the same
  // increments in shared memory, for the letters of p.
  template <int Block, int Sign, int R>
  __device__ __forceinline__ void advance(const T (&dx)[Block][R][D],
                                          const T* step) {
    T g[Block][N + 1];  // [n]: Horner's partial sum on the way to level n
#pragma unroll
    for (int b = 0; b < Block; ++b) {
#pragma unroll
      for (int n = 0; n <= N; ++n) g[b][n] = 1;
    }
    each<1, Q>([&](auto k) {
#pragma unroll
      for (int b = 0; b < Block; ++b) {
        const T x = Sign * step[b * D + letters[k]], old = chain[k];
        chain[k] += g[b][k] * x;
        each(next(k), Constant<N>(), [&](auto n) {
          g[b][n] = old + g[b][n] * (x * (T(1) / T(n - k + 1)));
        });
      }
    });
    walk<1, Block, Sign>(dx, g, 0);
  }

  template <int J, int Block, int Sign, int R>
  __device__ __forceinline__ void walk(const T (&dx)[Block][R][D],
                                       const T (&parent)[Block][N + 1], int w) {
    if constexpr (J <= M) {
#pragma unroll
      for (int i = 0; i < D; ++i) {
        T& s = tree[first_word(D, J) + w * D + i];
        T g[Block][N + 1];
#pragma unroll
        for (int b = 0; b < Block; ++b) {
#pragma unroll
          for (int n = Q + J + 1; n <= N; ++n)
            g[b][n] = s + parent[b][n] * (Sign * dx[b][n - Q - J][i]);
          s += parent[b][Q + J] * (Sign * dx[b][0][i]);
        }
        walk<J + 1, Block, Sign>(dx, g, w * D + i);
      }
    }
  }
};

/// Back through one increment: s is the prefix before it (without the top
/// level), ds the adjoint after it, which becomes the adjoint before it.
/// ddx[r][i] gets the adjoint of dx[r][i]; dletter[k - 1] that of the
/// increment's channel letter(k).
template <class T, int D, int Q, int M>
struct SubtreeBack {
  static constexpr int N = Q + M;
  const Subtree<T, D, Q, M - 1>& s;
  Subtree<T, D, Q, M>& ds;
  const T (&dx)[M][D];
  T (&ddx)[M][D];

  __device__ __forceinline__ void run(const T* step, T (&dletter)[Q + 1]) {
    T g[Q + 1][N + 1], dg[Q + 1][N + 1], x[Q + 1];
#pragma unroll
    for (int n = 0; n <= N; ++n) g[0][n] = 1;
    each<1, Q>([&](auto k) {
      x[k] = step[s.letters[k]];
      each(next(k), Constant<N>(), [&](auto n) {
        g[k][n] = s.chain[k] + g[k - 1][n] * (x[k] * (T(1) / T(n - k + 1)));
      });
    });
#pragma unroll
    for (int n = 0; n <= N; ++n) dg[Q][n] = 0;
    walk<1>(g[Q], dg[Q], 0);
    each_down<1, Q>([&](auto k) {
      T a = ds.chain[k];
      dg[k - 1][k] = a * x[k];
      dletter[k - 1] = a * g[k - 1][k];
      each(next(k), Constant<N>(), [&](auto n) {
        const T scaled = dg[k][n] * (T(1) / T(n - k + 1));
        a += dg[k][n];
        dg[k - 1][n] = scaled * x[k];
        dletter[k - 1] += scaled * g[k - 1][n];
      });
      ds.chain[k] = a;
    });
  }

  template <int J>
  __device__ __forceinline__ void walk(const T (&parent)[N + 1],
                                       T (&dparent)[N + 1], int w) {
    constexpr int K = Q + J;
#pragma unroll
    for (int i = 0; i < D; ++i) {
      const int c = first_word(D, J) + w * D + i;
      T a = ds.tree[c];
      dparent[K] += a * dx[0][i];
      ddx[0][i] += a * parent[K];
      if constexpr (J < M) {
        T g[N + 1], dg[N + 1];
#pragma unroll
        for (int n = K + 1; n <= N; ++n) {
          g[n] = s.tree[c] + parent[n] * dx[n - K][i];
          dg[n] = 0;
        }
        walk<J + 1>(g, dg, w * D + i);
#pragma unroll
        for (int n = K + 1; n <= N; ++n) {
          a += dg[n];
          dparent[n] += dg[n] * dx[n - K][i];
          ddx[n - K][i] += dg[n] * parent[n];
        }
        ds.tree[c] = a;
      }
    }
  }
};

}  // namespace sigtape::cuda
