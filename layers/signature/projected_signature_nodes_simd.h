#pragma once

// What one node, or some siblings, of the tree of a projected signature do over
// a block of time. Arrays are [step][..] of numbers V: vectors, a path in each
// lane, or such with a derivative.

#include "sigtape/layers/signature/dual_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// How many siblings run as one.
template <class V>
struct Together {
  static constexpr bool kMany = SIGTAPE_VECTOR_BYTES == 64;
  static constexpr int kLeaves = kMany ? 8 : 4;
  /// Of height 3, and lower.
  static constexpr int kNodes3 = kMany ? 2 : 1;
  static constexpr int kNodes = kMany ? 4 : 2;
  /// Twigs, nodes right above leaves that run with them, as many as have this
  /// many leaves; each has at most so many.
  static constexpr int kTile = kMany ? 16 : 8;
  static constexpr int kTwigLeaves = kMany ? 8 : 4;
  /// Twigs whose leaves have letters of their own: as many, of at most so many
  /// leaves.
  static constexpr int kOwnTwigs = kMany ? 4 : 3;
  static constexpr int kOwnLeaves = 2;
  /// Stalks of height 2 and 3.
  static constexpr int kStalks2 = kMany ? 4 : 2;
  static constexpr int kStalks3 = kMany ? 2 : 1;
  /// The most stalks of a bush.
  static constexpr int kBushes = 4;
  /// The most twins of a square.
  static constexpr int kSquares = 4;
};
template <class V>
struct Together<Dual<V>> {
  static constexpr int kLeaves = 4, kNodes3 = 1, kNodes = 2;
  static constexpr int kTile = 4, kTwigLeaves = 4;
  static constexpr int kOwnTwigs = 1, kOwnLeaves = 0;
  static constexpr int kStalks2 = 0, kStalks3 = 0, kBushes = 0, kSquares = 0;
};

/// Gradients of a parent's partial sums: what stands at `from` and what is
/// added now, written to `to`. Zeros with a stride of 0 begin a sum. Handed on
/// by reference: a copy of what has just been written in pieces is slow.
template <class V>
struct Gradients {
  V* to;
  std::int64_t stride;
  const V* from;
  std::int64_t from_stride;
};

/// The increments of a block, [steps, channels], their gradients, and where in
/// a step those of some nodes' letters stand.
template <class V>
struct Letters {
  static constexpr int kMost = 12;
  const V* e;
  V* de;
  std::int64_t channels;
  std::int64_t at[kMost];
};

/// Where a walk backward in time reads and writes, from the last step on: the
/// increments, their gradients, the parent's partial sums and theirs.
template <class V>
struct BackInTime {
  SIGTAPE_INLINE BackInTime(std::int64_t steps, const V* parent,
                            const Gradients<V>& above, const Letters<V>& l)
      : e(l.e + (steps - 1) * l.channels),
        de(l.de + (steps - 1) * l.channels),
        p(parent + (steps - 1) * above.stride),
        from(above.from + (steps - 1) * above.from_stride),
        dp(above.to + (steps - 1) * above.stride) {}

  SIGTAPE_INLINE void step_back(const Gradients<V>& above,
                                const Letters<V>& l) {
    e -= l.channels;
    de -= l.channels;
    p -= above.stride;
    from -= above.from_stride;
    dp -= above.stride;
  }

  const V* e;
  V* de;
  const V* p;
  const V* from;
  V* dp;
};

template <class V>
SIGTAPE_INLINE Dual<V> in_register(const Dual<V>& v) {
  return {in_register(v.value), in_register(v.slope)};
}

// The sums of `M` leaves: s_m += sum_t P_t e_m,t, in two parts each, so that
// no addition waits for the one before.
template <class V, int M>
SIGTAPE_KERNEL void add_leaves(std::int64_t steps, std::int64_t stride,
                               const V* parent, const Letters<V>& l, V* s) {
  V even[M], odd[M];
  SIGTAPE_UNROLL
  for (int m = 0; m < M; ++m) even[m] = odd[m] = V{};
  const V* e = l.e;
  std::int64_t t = 0;
  for (; t + 1 < steps; t += 2) {
    const V p = in_register(parent[0]);
    const V q = in_register(parent[stride]);
    const V* next = e + l.channels;
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      even[m] += p * e[l.at[m]];
      odd[m] += q * next[l.at[m]];
    }
    parent += 2 * stride;
    e = next + l.channels;
  }
  if (t < steps)
    for (int m = 0; m < M; ++m) even[m] += parent[0] * e[l.at[m]];
  for (int m = 0; m < M; ++m) s[m] += even[m] + odd[m];
}

// The derivative: dP_t += sum_m a_m e_m,t and de_m,t += a_m P_t.
template <class V, int M>
SIGTAPE_KERNEL void add_leaves_adjoint(std::int64_t steps, const V* parent,
                                       const Gradients<V>& d,
                                       const Letters<V>& l, const V* a) {
  V factor[M];
  for (int m = 0; m < M; ++m) factor[m] = in_register(a[m]);
  const V *e = l.e, *from = d.from;
  V *de = l.de, *to = d.to;
  for (std::int64_t t = 0; t < steps; ++t) {
    const V p = in_register(parent[0]);
    V sum = from[0];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      sum += factor[m] * e[l.at[m]];
      de[l.at[m]] += factor[m] * p;
    }
    to[0] = sum;
    e += l.channels;
    de += l.channels;
    parent += d.stride;
    from += d.from_stride;
    to += d.stride;
  }
}

// M siblings of height H (0: known at run time only) over a block: their
// values `s` and their partial sums, `height` a step, those of the next
// sibling `gap` later. `parent` has `stride` of them.
template <class V, int H, int M, class T>
SIGTAPE_KERNEL void run_nodes(std::int64_t steps, int height,
                              std::int64_t stride, const V* parent,
                              const Letters<V>& l, const T* inverse, V* s,
                              V* own, std::int64_t gap) {
  const int top = H ? H : height;
  V value[M];
  for (int m = 0; m < M; ++m) value[m] = s[m];
  const V* e = l.e;
  for (std::int64_t t = 0; t < steps; ++t) {
    const V first = in_register(parent[0]);
    V x[M];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) x[m] = in_register(e[l.at[m]]);
    SIGTAPE_UNROLL
    for (int r = 1; r <= top; ++r) {
      const V p = in_register(parent[r]);
      SIGTAPE_UNROLL
      for (int m = 0; m < M; ++m) {
        const V v = value[m] + p * x[m];
        own[m * gap + r - 1] = r == 1 ? v : v * inverse[r];
      }
    }
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) value[m] += first * x[m];
    parent += stride;
    own += top;
    e += l.channels;
  }
  for (int m = 0; m < M; ++m) s[m] = value[m];
}

// The derivative of that, backward in time: `a` are the gradients of the
// nodes' values after the block, and become those before it; `down` holds the
// gradients of their own partial sums.
template <class V, int H, int M, class T>
SIGTAPE_KERNEL void run_nodes_adjoint(std::int64_t steps, int height,
                                      const V* parent,
                                      const Gradients<V>& above,
                                      const Letters<V>& l, const T* inverse,
                                      V* a, const V* down, std::int64_t gap) {
  const int top = H ? H : height;
  V value[M];
  for (int m = 0; m < M; ++m) value[m] = a[m];
  BackInTime<V> at(steps, parent, above, l);
  const V* d = down + (steps - 1) * top;
  for (std::int64_t t = 0; t < steps; ++t) {
    V x[M], dx[M];
    const V first = in_register(at.p[0]);
    V dfirst = at.from[0];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      x[m] = in_register(at.e[l.at[m]]);
      dx[m] = value[m] * first;
      dfirst += value[m] * x[m];
    }
    at.dp[0] = dfirst;
    SIGTAPE_UNROLL
    for (int r = 1; r <= top; ++r) {
      const V q = in_register(at.p[r]);
      V dq = at.from[r];
      SIGTAPE_UNROLL
      for (int m = 0; m < M; ++m) {
        const V sum = d[m * gap + r - 1];
        const V v = r == 1 ? sum : sum * inverse[r];
        dx[m] += v * q;
        dq += v * x[m];
        value[m] += v;
      }
      at.dp[r] = dq;
    }
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) at.de[l.at[m]] += dx[m];
    d -= top;
    at.step_back(above, l);
  }
  for (int m = 0; m < M; ++m) a[m] = value[m];
}

// Twigs: M siblings of K leaves each, in registers. The letters of the siblings
// stand first; that of leaf k of sibling m stands at M + m * K + k where each
// has its own (Own), else at M + k. The values of the nodes, s, and of their
// leaves, `leaf`.
template <class V, int M, int K, bool Own>
SIGTAPE_KERNEL void run_twigs(std::int64_t steps, std::int64_t stride,
                              const V* parent, const Letters<V>& l, V* s,
                              V* const* leaf) {
  V value[M], sum[M][K];
  for (int m = 0; m < M; ++m) {
    value[m] = s[m];
    for (int k = 0; k < K; ++k) sum[m][k] = leaf[m][k];
  }
  const V* e = l.e;
  for (std::int64_t t = 0; t < steps; ++t) {
    const V first = in_register(parent[0]), p = in_register(parent[1]);
    V v[M];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      const V step = in_register(e[l.at[m]]);
      v[m] = value[m] + p * step;
      value[m] += first * step;
    }
    SIGTAPE_UNROLL
    for (int k = 0; k < K; ++k) {
      if constexpr (Own) {
        SIGTAPE_UNROLL
        for (int m = 0; m < M; ++m) sum[m][k] += v[m] * e[l.at[M + m * K + k]];
      } else {
        const V step = in_register(e[l.at[M + k]]);
        SIGTAPE_UNROLL
        for (int m = 0; m < M; ++m) sum[m][k] += v[m] * step;
      }
    }
    parent += stride;
    e += l.channels;
  }
  for (int m = 0; m < M; ++m) {
    s[m] = value[m];
    for (int k = 0; k < K; ++k) leaf[m][k] = sum[m][k];
  }
}

// The derivative: `a` are the nodes' gradients after the block, and become
// those before it; `dleaf` those of the leaves, the same at all times. `s` are
// the nodes' values after the block: each step takes its own part off them
// again, so that their partial sums are neither stored nor loaded.
template <class V, int M, int K, bool Own>
SIGTAPE_KERNEL void run_twigs_adjoint(std::int64_t steps, const V* parent,
                                      const Gradients<V>& above,
                                      const Letters<V>& l, V* a,
                                      const V* const* dleaf, const V* s) {
  V value[M], state[M], factor[M][K];
  for (int m = 0; m < M; ++m) {
    value[m] = a[m];
    state[m] = s[m];
    for (int k = 0; k < K; ++k) factor[m][k] = in_register(dleaf[m][k]);
  }
  BackInTime<V> at(steps, parent, above, l);
  for (std::int64_t t = 0; t < steps; ++t) {
    const V first = in_register(at.p[0]), second = in_register(at.p[1]);
    V down[M] = {}, v[M];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      const V step = in_register(at.e[l.at[m]]);
      state[m] -= first * step;
      v[m] = state[m] + second * step;
    }
    SIGTAPE_UNROLL
    for (int k = 0; k < K; ++k) {
      if constexpr (Own) {
        SIGTAPE_UNROLL
        for (int m = 0; m < M; ++m) {
          down[m] += factor[m][k] * at.e[l.at[M + m * K + k]];
          at.de[l.at[M + m * K + k]] += factor[m][k] * v[m];
        }
        continue;
      }
      const V step = in_register(at.e[l.at[M + k]]);
      V sum = at.de[l.at[M + k]];
      SIGTAPE_UNROLL
      for (int m = 0; m < M; ++m) {
        down[m] += factor[m][k] * step;
        sum += factor[m][k] * v[m];
      }
      at.de[l.at[M + k]] = sum;
    }
    V dfirst = at.from[0], dsecond = at.from[1];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      const V step = in_register(at.e[l.at[m]]);
      dfirst += value[m] * step;
      dsecond += down[m] * step;
      at.de[l.at[m]] += value[m] * first + down[m] * second;
      value[m] += down[m];
    }
    at.dp[0] = dfirst;
    at.dp[1] = dsecond;
    at.step_back(above, l);
  }
  for (int m = 0; m < M; ++m) a[m] = value[m];
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
