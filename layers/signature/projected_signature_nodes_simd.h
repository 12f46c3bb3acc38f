#pragma once

// What one node, or some siblings, of the tree of a projected signature do over
// a block of time. Arrays are [step][..] of vectors, a path in each lane.

#include "sigtape/framework/simd/vec.h"

namespace sigtape::SIGTAPE_ISA_NAME {

// Siblings that run as one: leaves, and nodes right above leaves.
constexpr int kMostLeaves = SIGTAPE_VECTOR_BYTES == 64 ? 8 : 4;
constexpr int kMostNodes = SIGTAPE_VECTOR_BYTES == 64 ? 4 : 2;

// The sums of `M` leaves: s_m += sum_t P_t e_m,t, in two parts each, so that
// no addition waits for the one before.
template <class T, int M>
SIGTAPE_KERNEL void add_leaves(std::int64_t steps, std::int64_t stride,
                               const Vec<T>* parent, std::int64_t channels,
                               const Vec<T>* const* e, Vec<T>* s) {
  Vec<T> even[M] = {}, odd[M] = {};
  std::int64_t t = 0;
  for (; t + 1 < steps; t += 2) {
    const Vec<T> p = in_register(parent[t * stride]);
    const Vec<T> q = in_register(parent[(t + 1) * stride]);
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
template <class T, int M>
SIGTAPE_KERNEL void add_leaves_adjoint(std::int64_t steps, std::int64_t stride,
                                       const Vec<T>* parent, Vec<T>* dparent,
                                       std::int64_t channels,
                                       const Vec<T>* const* e,
                                       Vec<T>* const* de, const Vec<T>* a) {
  Vec<T> factor[M];
  for (int m = 0; m < M; ++m) factor[m] = in_register(a[m]);
  for (std::int64_t t = 0; t < steps; ++t) {
    const Vec<T> p = in_register(parent[t * stride]);
    Vec<T> sum = dparent[t * stride];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      sum += factor[m] * e[m][t * channels];
      de[m][t * channels] += factor[m] * p;
    }
    dparent[t * stride] = sum;
  }
}

// M siblings of height H (0: known at run time only) over a block: their
// values `s` and their partial sums, `height` a step, those of the next
// sibling `gap` later. `parent` has `stride` of them.
template <class T, int H, int M>
SIGTAPE_KERNEL void run_nodes(std::int64_t steps, int height,
                              std::int64_t stride, const Vec<T>* parent,
                              std::int64_t channels, const Vec<T>* const* e,
                              const T* inverse, Vec<T>* s, Vec<T>* own,
                              std::int64_t gap) {
  const int top = H ? H : height;
  Vec<T> value[M];
  for (int m = 0; m < M; ++m) value[m] = s[m];
  for (std::int64_t t = 0; t < steps; ++t) {
    const Vec<T> first = in_register(parent[0]);
    Vec<T> x[M];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) x[m] = in_register(e[m][t * channels]);
    SIGTAPE_UNROLL
    for (int r = 1; r <= top; ++r) {
      const Vec<T> p = in_register(parent[r]);
      SIGTAPE_UNROLL
      for (int m = 0; m < M; ++m) {
        const Vec<T> v = value[m] + p * x[m];
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
template <class T, int H, int M>
SIGTAPE_KERNEL void run_nodes_adjoint(std::int64_t steps, int height,
                                      std::int64_t stride, const Vec<T>* parent,
                                      Vec<T>* dparent, std::int64_t channels,
                                      const Vec<T>* const* e, Vec<T>* const* de,
                                      const T* inverse, Vec<T>* a,
                                      const Vec<T>* down, std::int64_t gap) {
  const int top = H ? H : height;
  Vec<T> value[M];
  for (int m = 0; m < M; ++m) value[m] = a[m];
  for (std::int64_t t = steps; t-- > 0;) {
    const Vec<T>* p = parent + t * stride;
    Vec<T>* dp = dparent + t * stride;
    const Vec<T>* d = down + t * top;
    Vec<T> x[M], dx[M];
    const Vec<T> first = in_register(p[0]);
    Vec<T> dfirst = dp[0];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      x[m] = in_register(e[m][t * channels]);
      dx[m] = value[m] * first;
      dfirst += value[m] * x[m];
    }
    dp[0] = dfirst;
    SIGTAPE_UNROLL
    for (int r = 1; r <= top; ++r) {
      const Vec<T> q = in_register(p[r]);
      Vec<T> dq = dp[r];
      SIGTAPE_UNROLL
      for (int m = 0; m < M; ++m) {
        const Vec<T> from = d[m * gap + r - 1];
        const Vec<T> v = r == 1 ? from : from * inverse[r];
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

// Nodes right above leaves that run with them: M siblings of K leaves each,
// with the same letters, in registers.
constexpr int kTile = SIGTAPE_VECTOR_BYTES == 64 ? 16 : 8;
constexpr int kMostTwigLeaves = SIGTAPE_VECTOR_BYTES == 64 ? 8 : 4;

// The values of the nodes, s, and of their leaves, `leaf`.
template <class T, int M, int K>
SIGTAPE_KERNEL void run_twigs(std::int64_t steps, std::int64_t stride,
                              const Vec<T>* parent, std::int64_t channels,
                              const Vec<T>* const* x, const Vec<T>* const* e,
                              Vec<T>* s, Vec<T>* const* leaf) {
  Vec<T> value[M], sum[M][K];
  for (int m = 0; m < M; ++m) {
    value[m] = s[m];
    for (int k = 0; k < K; ++k) sum[m][k] = leaf[m][k];
  }
  for (std::int64_t t = 0; t < steps; ++t, parent += stride) {
    const std::int64_t at = t * channels;
    const Vec<T> first = in_register(parent[0]), p = in_register(parent[1]);
    Vec<T> v[M];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      const Vec<T> step = in_register(x[m][at]);
      v[m] = value[m] + p * step;
      value[m] += first * step;
    }
    SIGTAPE_UNROLL
    for (int k = 0; k < K; ++k) {
      const Vec<T> step = in_register(e[k][at]);
      SIGTAPE_UNROLL
      for (int m = 0; m < M; ++m) sum[m][k] += v[m] * step;
    }
  }
  for (int m = 0; m < M; ++m) {
    s[m] = value[m];
    for (int k = 0; k < K; ++k) leaf[m][k] = sum[m][k];
  }
}

// The derivative: `a` are the nodes' gradients after the block, and become
// those before it; `dleaf` those of the leaves, the same at all times; `own`
// the nodes' partial sums, `gap` from one node to the next.
template <class T, int M, int K>
SIGTAPE_KERNEL void run_twigs_adjoint(std::int64_t steps, std::int64_t stride,
                                      const Vec<T>* parent, Vec<T>* dparent,
                                      std::int64_t channels,
                                      const Vec<T>* const* x, Vec<T>* const* dx,
                                      const Vec<T>* const* e, Vec<T>* const* de,
                                      Vec<T>* a, const Vec<T>* const* dleaf,
                                      const Vec<T>* own, std::int64_t gap) {
  Vec<T> value[M], factor[M][K];
  for (int m = 0; m < M; ++m) {
    value[m] = a[m];
    for (int k = 0; k < K; ++k) factor[m][k] = in_register(dleaf[m][k]);
  }
  for (std::int64_t t = steps; t-- > 0;) {
    const std::int64_t at = t * channels;
    Vec<T> down[M] = {}, v[M];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) v[m] = in_register(own[m * gap + t]);
    SIGTAPE_UNROLL
    for (int k = 0; k < K; ++k) {
      const Vec<T> step = in_register(e[k][at]);
      Vec<T> sum = de[k][at];
      SIGTAPE_UNROLL
      for (int m = 0; m < M; ++m) {
        down[m] += factor[m][k] * step;
        sum += factor[m][k] * v[m];
      }
      de[k][at] = sum;
    }
    const Vec<T>* p = parent + t * stride;
    Vec<T>* dp = dparent + t * stride;
    const Vec<T> first = in_register(p[0]), second = in_register(p[1]);
    Vec<T> dfirst = dp[0], dsecond = dp[1];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      const Vec<T> step = in_register(x[m][at]);
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
