#pragma once

// Siblings below which there is one prefix of each length only, down to a word:
// stalks, whose partial sums stay in registers; and nodes over some of them.

#include "sigtape/layers/signature/projected_signature_nodes_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// Partial sums of a stalk of height H in a step.
constexpr int stalk_sums(int height) { return height * (height + 1) / 2; }

// What a stalk of height H adds up in a step, from the partial sums g[0 .. H]
// above it: `value` are its nodes' values, [H + 1], x the increments of their
// letters. With Keep, its partial sums are written to `own`.
template <class V, int H, bool Keep, class T>
SIGTAPE_INLINE void grow_stalk(const V* g, const V* x, const T* inverse,
                               V* value, V* own) {
  V above[H + 1];
  for (int r = 0; r <= H; ++r) above[r] = g[r];
  SIGTAPE_UNROLL
  for (int h = 0; h < H; ++h) {
    const V old = value[h];
    value[h] += above[0] * x[h];
    SIGTAPE_UNROLL
    for (int r = 1; r <= H - h; ++r) {
      const V v = old + above[r] * x[h];
      above[r - 1] = r == 1 ? v : v * inverse[r];
      if (Keep) *own++ = above[r - 1];
    }
  }
  value[H] += above[0] * x[H];
}

// M stalks of height H over a block: s[m], [H + 1], are the values of the nodes
// of stalk m, e[h * M + m] the increments of node h's letter. With Keep, its
// partial sums go to own[(m * steps + t) * stalk_sums(H)], and the values are
// only read.
template <class V, int H, int M, bool Keep, class T>
SIGTAPE_KERNEL void run_stalks(std::int64_t steps, std::int64_t stride,
                               const V* parent, std::int64_t channels,
                               const V* const* e, const T* inverse, V* const* s,
                               V* own) {
  constexpr int kSums = stalk_sums(H);
  V value[M][H + 1];
  for (int m = 0; m < M; ++m)
    for (int h = 0; h <= H; ++h) value[m][h] = s[m][h];
  for (std::int64_t t = 0; t < steps; ++t, parent += stride) {
    V g[H + 1];
    SIGTAPE_UNROLL
    for (int r = 0; r <= H; ++r) g[r] = in_register(parent[r]);
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      V x[H + 1];
      SIGTAPE_UNROLL
      for (int h = 0; h <= H; ++h) x[h] = e[h * M + m][t * channels];
      grow_stalk<V, H, Keep>(g, x, inverse, value[m],
                             Keep ? own + (m * steps + t) * kSums : nullptr);
    }
  }
  if (Keep) return;
  for (int m = 0; m < M; ++m)
    for (int h = 0; h <= H; ++h) s[m][h] = value[m][h];
}

// The derivative, backward in time: a[m], [H + 1], are the gradients of the
// values after the block, and become those before it; `own` what run_stalks has
// kept.
template <class V, int H, int M, class T>
SIGTAPE_KERNEL void run_stalks_adjoint(std::int64_t steps, const V* parent,
                                       const Gradients<V>& top,
                                       std::int64_t channels, const V* const* e,
                                       V* const* de, const T* inverse,
                                       V* const* a, const V* own) {
  constexpr int kSums = stalk_sums(H);
  V value[M][H + 1];
  for (int m = 0; m < M; ++m)
    for (int h = 0; h <= H; ++h) value[m][h] = a[m][h];
  for (std::int64_t t = steps; t-- > 0;) {
    const std::int64_t at = t * channels;
    const V *p = parent + t * top.stride,
            *from = top.from + t * top.from_stride;
    V* dp = top.to + t * top.stride;
    V dabove[H + 1];
    SIGTAPE_UNROLL
    for (int r = 0; r <= H; ++r) dabove[r] = from[r];
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      // The sums of the nodes from the leaf's parent upwards.
      const V* above = own + (m * steps + t + 1) * kSums - 1;
      V down[H + 1];
      down[0] = value[m][H] * e[H * M + m][at];
      de[H * M + m][at] += value[m][H] * above[0];
      SIGTAPE_UNROLL
      for (int h = H - 1; h >= 0; --h) {
        if (h) above -= H - h + 1;
        const V* q = h ? above : p;
        const V x = e[h * M + m][at];
        V dx = value[m][h] * q[0], next = value[m][h] * x;
        SIGTAPE_UNROLL
        for (int r = 1; r <= H - h; ++r) {
          const V v = r == 1 ? down[0] : down[r - 1] * inverse[r];
          down[r - 1] = next;
          next = v * x;
          dx += v * q[r];
          value[m][h] += v;
        }
        down[H - h] = next;
        de[h * M + m][at] += dx;
      }
      SIGTAPE_UNROLL
      for (int r = 0; r <= H; ++r) dabove[r] += down[r];
    }
    SIGTAPE_UNROLL
    for (int r = 0; r <= H; ++r) dp[r] = dabove[r];
  }
  for (int m = 0; m < M; ++m)
    for (int h = 0; h <= H; ++h) a[m][h] = value[m][h];
}

// A node of height 2 over M stalks of height 1, all in registers: a bush. Its
// nodes stand one after another: the lowest, then stalk by stalk; so do their
// values s, [1 + 2 M], and e, the increments of their letters.
template <class V, int M, class T>
SIGTAPE_KERNEL void run_bush(std::int64_t steps, std::int64_t stride,
                             const V* parent, std::int64_t channels,
                             const V* const* e, const T* inverse, V* s) {
  V low = s[0], middle[M], top[M];
  for (int m = 0; m < M; ++m) {
    middle[m] = s[1 + 2 * m];
    top[m] = s[2 + 2 * m];
  }
  for (std::int64_t t = 0; t < steps; ++t, parent += stride) {
    const std::int64_t at = t * channels;
    const V x = in_register(e[0][at]);
    const V first = low + parent[1] * x;
    const V second = (low + parent[2] * x) * inverse[2];
    low += parent[0] * x;
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      const V y = in_register(e[1 + 2 * m][at]);
      const V sum = middle[m] + second * y;
      middle[m] += first * y;
      top[m] += sum * e[2 + 2 * m][at];
    }
  }
  s[0] = low;
  for (int m = 0; m < M; ++m) {
    s[1 + 2 * m] = middle[m];
    s[2 + 2 * m] = top[m];
  }
}

// The derivative, backward in time: a are the gradients of the values after the
// block, and become those before it; s, [1 + M], the values after it of the
// lowest node and of the stalks' nodes that are no leaves, off which each step
// takes its own part again.
template <class V, int M, class T>
SIGTAPE_KERNEL void run_bush_adjoint(std::int64_t steps, const V* parent,
                                     const Gradients<V>& below,
                                     std::int64_t channels, const V* const* e,
                                     V* const* de, const T* inverse, V* a,
                                     const V* s) {
  V low = a[0], middle[M], top[M];
  V low_state = s[0], state[M];
  for (int m = 0; m < M; ++m) {
    middle[m] = a[1 + 2 * m];
    top[m] = in_register(a[2 + 2 * m]);
    state[m] = s[1 + m];
  }
  for (std::int64_t t = steps; t-- > 0;) {
    const std::int64_t at = t * channels;
    const V *p = parent + t * below.stride,
            *from = below.from + t * below.from_stride;
    V* dp = below.to + t * below.stride;
    const V x = in_register(e[0][at]), p0 = in_register(p[0]),
            p1 = in_register(p[1]), p2 = in_register(p[2]);
    low_state -= p0 * x;
    const V first = low_state + p1 * x;
    const V second = (low_state + p2 * x) * inverse[2];
    V dfirst = {}, dsecond = {};
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      const V y = in_register(e[1 + 2 * m][at]);
      state[m] -= first * y;
      const V sum = state[m] + second * y;
      const V dsum = top[m] * e[2 + 2 * m][at];
      de[2 + 2 * m][at] += top[m] * sum;
      de[1 + 2 * m][at] += dsum * second + middle[m] * first;
      dsecond += dsum * y;
      dfirst += middle[m] * y;
      middle[m] += dsum;
    }
    dsecond = dsecond * inverse[2];
    de[0][at] += low * p0 + dfirst * p1 + dsecond * p2;
    dp[0] = from[0] + low * x;
    dp[1] = from[1] + dfirst * x;
    dp[2] = from[2] + dsecond * x;
    low += dfirst + dsecond;
  }
  a[0] = low;
  for (int m = 0; m < M; ++m) a[1 + 2 * m] = middle[m];
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
