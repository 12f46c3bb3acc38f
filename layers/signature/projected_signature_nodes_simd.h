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
};
template <class V>
struct Together<Dual<V>> {
  static constexpr int kLeaves = 4, kNodes3 = 1, kNodes = 2;
  static constexpr int kTile = 4, kTwigLeaves = 4;
  static constexpr int kOwnTwigs = 1, kOwnLeaves = 0;
  static constexpr int kStalks2 = 0, kStalks3 = 0, kBushes = 0;
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

template <class V>
SIGTAPE_INLINE Dual<V> in_register(const Dual<V>& v) {
  return {in_register(v.value), in_register(v.slope)};
}

// The sums of `M` leaves: s_m += sum_t P_t e_m,t, in two parts each, so that
// no addition waits for the one before.
template <class V, int M>
SIGTAPE_KERNEL void add_leaves(std::int64_t steps, std::int64_t stride,
                               const V* parent, std::int64_t channels,
                               const V* const* e, V* s) {
  V even[M] = {}, odd[M] = {};
  std::int64_t t = 0;
  for (; t + 1 < steps; t += 2) {
    const V p = in_register(parent[t * stride]);
    const V q = in_register(parent[(t + 1) * stride]);
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      even[m] += p * e[m][t * channels];
      odd[m] += q * e[m][(t + 1) * channels];
    }
  }
  if (t < steps)
    for (int m = 0; m < M; ++m)
      even[m] += parent[t * stride] * e[m][t * channels];
  for (int m = 0; m < M; ++m) s[m] += even[m] + odd[m];
}

// The derivative: dP_t += sum_m a_m e_m,t and de_m,t += a_m P_t.
template <class V, int M>
SIGTAPE_KERNEL void add_leaves_adjoint(std::int64_t steps, const V* parent,
                                       const Gradients<V>& d,
                                       std::int64_t channels, const V* const* e,
                                       V* const* de, const V* a) {
  V factor[M];
  for (int m = 0; m < M; ++m) factor[m] = in_register(a[m]);
  for (std::int64_t t = 0; t < steps; ++t) {
    const V p = in_register(parent[t * d.stride]);
    V sum = d.from[t * d.from_stride];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      sum += factor[m] * e[m][t * channels];
      de[m][t * channels] += factor[m] * p;
    }
    d.to[t * d.stride] = sum;
  }
}

// M siblings of height H (0: known at run time only) over a block: their
// values `s` and their partial sums, `height` a step, those of the next
// sibling `gap` later. `parent` has `stride` of them.
template <class V, int H, int M, class T>
SIGTAPE_KERNEL void run_nodes(std::int64_t steps, int height,
                              std::int64_t stride, const V* parent,
                              std::int64_t channels, const V* const* e,
                              const T* inverse, V* s, V* own,
                              std::int64_t gap) {
  const int top = H ? H : height;
  V value[M];
  for (int m = 0; m < M; ++m) value[m] = s[m];
  for (std::int64_t t = 0; t < steps; ++t) {
    const V first = in_register(parent[0]);
    V x[M];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) x[m] = in_register(e[m][t * channels]);
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
                                      std::int64_t channels, const V* const* e,
                                      V* const* de, const T* inverse, V* a,
                                      const V* down, std::int64_t gap) {
  const int top = H ? H : height;
  V value[M];
  for (int m = 0; m < M; ++m) value[m] = a[m];
  for (std::int64_t t = steps; t-- > 0;) {
    const V *p = parent + t * above.stride,
            *from = above.from + t * above.from_stride;
    V* dp = above.to + t * above.stride;
    const V* d = down + t * top;
    V x[M], dx[M];
    const V first = in_register(p[0]);
    V dfirst = from[0];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      x[m] = in_register(e[m][t * channels]);
      dx[m] = value[m] * first;
      dfirst += value[m] * x[m];
    }
    dp[0] = dfirst;
    SIGTAPE_UNROLL
    for (int r = 1; r <= top; ++r) {
      const V q = in_register(p[r]);
      V dq = from[r];
      SIGTAPE_UNROLL
      for (int m = 0; m < M; ++m) {
        const V sum = d[m * gap + r - 1];
        const V v = r == 1 ? sum : sum * inverse[r];
        dx[m] += v * q;
        dq += v * x[m];
        value[m] += v;
      }
      dp[r] = dq;
    }
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) de[m][t * channels] += dx[m];
  }
  for (int m = 0; m < M; ++m) a[m] = value[m];
}

// Twigs: M siblings of K leaves each, in registers. Leaf k of sibling m has the
// letter of e[m * K + k] where each has its own (Own), else that of e[k].
// The values of the nodes, s, and of their leaves, `leaf`.
template <class V, int M, int K, bool Own>
SIGTAPE_KERNEL void run_twigs(std::int64_t steps, std::int64_t stride,
                              const V* parent, std::int64_t channels,
                              const V* const* x, const V* const* e, V* s,
                              V* const* leaf) {
  V value[M], sum[M][K];
  for (int m = 0; m < M; ++m) {
    value[m] = s[m];
    for (int k = 0; k < K; ++k) sum[m][k] = leaf[m][k];
  }
  for (std::int64_t t = 0; t < steps; ++t, parent += stride) {
    const std::int64_t at = t * channels;
    const V first = in_register(parent[0]), p = in_register(parent[1]);
    V v[M];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      const V step = in_register(x[m][at]);
      v[m] = value[m] + p * step;
      value[m] += first * step;
    }
    SIGTAPE_UNROLL
    for (int k = 0; k < K; ++k) {
      if constexpr (Own) {
        SIGTAPE_UNROLL
        for (int m = 0; m < M; ++m) sum[m][k] += v[m] * e[m * K + k][at];
      } else {
        const V step = in_register(e[k][at]);
        SIGTAPE_UNROLL
        for (int m = 0; m < M; ++m) sum[m][k] += v[m] * step;
      }
    }
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
                                      std::int64_t channels, const V* const* x,
                                      V* const* dx, const V* const* e,
                                      V* const* de, V* a, const V* const* dleaf,
                                      const V* s) {
  V value[M], state[M], factor[M][K];
  for (int m = 0; m < M; ++m) {
    value[m] = a[m];
    state[m] = s[m];
    for (int k = 0; k < K; ++k) factor[m][k] = in_register(dleaf[m][k]);
  }
  for (std::int64_t t = steps; t-- > 0;) {
    const std::int64_t at = t * channels;
    const V* p = parent + t * above.stride;
    const V first = in_register(p[0]), second = in_register(p[1]);
    V down[M] = {}, v[M];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      const V step = in_register(x[m][at]);
      state[m] -= first * step;
      v[m] = state[m] + second * step;
    }
    SIGTAPE_UNROLL
    for (int k = 0; k < K; ++k) {
      if constexpr (Own) {
        SIGTAPE_UNROLL
        for (int m = 0; m < M; ++m) {
          down[m] += factor[m][k] * e[m * K + k][at];
          de[m * K + k][at] += factor[m][k] * v[m];
        }
        continue;
      }
      const V step = in_register(e[k][at]);
      V sum = de[k][at];
      SIGTAPE_UNROLL
      for (int m = 0; m < M; ++m) {
        down[m] += factor[m][k] * step;
        sum += factor[m][k] * v[m];
      }
      de[k][at] = sum;
    }
    const V* from = above.from + t * above.from_stride;
    V* dp = above.to + t * above.stride;
    V dfirst = from[0], dsecond = from[1];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      const V step = in_register(x[m][at]);
      dfirst += value[m] * step;
      dsecond += down[m] * step;
      dx[m][at] += value[m] * first + down[m] * second;
      value[m] += down[m];
    }
    dp[0] = dfirst;
    dp[1] = dsecond;
  }
  for (int m = 0; m < M; ++m) a[m] = value[m];
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
