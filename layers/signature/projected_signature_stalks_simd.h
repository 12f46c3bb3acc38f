#pragma once

// Siblings below which there is one prefix of each length only, down to a word:
// stalks, whose partial sums stay in registers; and nodes over some of them.

#include "sigtape/layers/signature/projected_signature_nodes_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

// M stalks of height H over a block: s[m], [H + 1], are the values of the nodes
// of stalk m; the letter of its node h stands at m * (H + 1) + h.
template <class V, int H, int M, class T>
SIGTAPE_KERNEL void run_stalks(std::int64_t steps, std::int64_t stride,
                               const V* parent, const Letters<V>& l,
                               const T* inverse, V* const* s) {
  V value[M][H + 1];
  for (int m = 0; m < M; ++m)
    for (int h = 0; h <= H; ++h) value[m][h] = s[m][h];
  const V* e = l.e;
  for (std::int64_t t = 0; t < steps; ++t) {
    V g[H + 1];
    SIGTAPE_UNROLL
    for (int r = 0; r <= H; ++r) g[r] = in_register(parent[r]);
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      V sums[H + 1];
      SIGTAPE_UNROLL
      for (int r = 0; r <= H; ++r) sums[r] = g[r];
      SIGTAPE_UNROLL
      for (int h = 0; h < H; ++h) {
        const V x = in_register(e[l.at[m * (H + 1) + h]]), old = value[m][h];
        value[m][h] += sums[0] * x;
        SIGTAPE_UNROLL
        for (int r = 1; r <= H - h; ++r) {
          const V v = old + sums[r] * x;
          sums[r - 1] = r == 1 ? v : v * inverse[r];
        }
      }
      value[m][H] += sums[0] * e[l.at[m * (H + 1) + H]];
    }
    parent += stride;
    e += l.channels;
  }
  for (int m = 0; m < M; ++m)
    for (int h = 0; h <= H; ++h) s[m][h] = value[m][h];
}

// The derivative, backward in time: a[m], [H + 1], are the gradients of the
// values after the block, and become those before it; s[m], [H], the values
// after it of the nodes that are no leaves, off which each step takes its own
// part again.
template <class V, int H, int M, class T>
SIGTAPE_KERNEL void run_stalks_adjoint(std::int64_t steps, const V* parent,
                                       const Gradients<V>& above,
                                       const Letters<V>& l, const T* inverse,
                                       V* const* a, const V* const* s) {
  V value[M][H + 1], state[M][H];
  for (int m = 0; m < M; ++m) {
    for (int h = 0; h <= H; ++h) value[m][h] = a[m][h];
    for (int h = 0; h < H; ++h) state[m][h] = s[m][h];
  }
  BackInTime<V> at(steps, parent, above, l);
  for (std::int64_t t = 0; t < steps; ++t) {
    // sums[h][r]: the partial sums above node h.
    V sums[H + 1][H + 1], dabove[H + 1];
    SIGTAPE_UNROLL
    for (int r = 0; r <= H; ++r) {
      sums[0][r] = in_register(at.p[r]);
      dabove[r] = at.from[r];
    }
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      const std::int64_t* letter = l.at + m * (H + 1);
      V x[H + 1];
      SIGTAPE_UNROLL
      for (int h = 0; h < H; ++h) {
        x[h] = in_register(at.e[letter[h]]);
        state[m][h] -= sums[h][0] * x[h];
        SIGTAPE_UNROLL
        for (int r = 1; r <= H - h; ++r) {
          const V v = state[m][h] + sums[h][r] * x[h];
          sums[h + 1][r - 1] = r == 1 ? v : v * inverse[r];
        }
      }
      // The gradients of the sums above the node at hand.
      V down[H + 1];
      down[0] = value[m][H] * at.e[letter[H]];
      at.de[letter[H]] += value[m][H] * sums[H][0];
      SIGTAPE_UNROLL
      for (int h = H - 1; h >= 0; --h) {
        V dx = value[m][h] * sums[h][0], next = value[m][h] * x[h];
        SIGTAPE_UNROLL
        for (int r = 1; r <= H - h; ++r) {
          const V v = r == 1 ? down[0] : down[r - 1] * inverse[r];
          down[r - 1] = next;
          next = v * x[h];
          dx += v * sums[h][r];
          value[m][h] += v;
        }
        down[H - h] = next;
        at.de[letter[h]] += dx;
      }
      SIGTAPE_UNROLL
      for (int r = 0; r <= H; ++r) dabove[r] += down[r];
    }
    SIGTAPE_UNROLL
    for (int r = 0; r <= H; ++r) at.dp[r] = dabove[r];
    at.step_back(above, l);
  }
  for (int m = 0; m < M; ++m)
    for (int h = 0; h <= H; ++h) a[m][h] = value[m][h];
}

// A node of height 2 over M stalks of height 1, all in registers: a bush. Its
// nodes stand one after another: the lowest, then stalk by stalk; so do their
// values s, [1 + 2 M], and their letters.
template <class V, int M, class T>
SIGTAPE_KERNEL void run_bush(std::int64_t steps, std::int64_t stride,
                             const V* parent, const Letters<V>& l,
                             const T* inverse, V* s) {
  V low = s[0], middle[M], top[M];
  for (int m = 0; m < M; ++m) {
    middle[m] = s[1 + 2 * m];
    top[m] = s[2 + 2 * m];
  }
  const V* e = l.e;
  for (std::int64_t t = 0; t < steps; ++t) {
    const V x = in_register(e[l.at[0]]);
    const V first = low + parent[1] * x;
    const V second = (low + parent[2] * x) * inverse[2];
    low += parent[0] * x;
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      const V y = in_register(e[l.at[1 + 2 * m]]);
      const V sum = middle[m] + second * y;
      middle[m] += first * y;
      top[m] += sum * e[l.at[2 + 2 * m]];
    }
    parent += stride;
    e += l.channels;
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
                                     const Gradients<V>& above,
                                     const Letters<V>& l, const T* inverse,
                                     V* a, const V* s) {
  V low = a[0], middle[M], top[M];
  V low_state = s[0], state[M];
  for (int m = 0; m < M; ++m) {
    middle[m] = a[1 + 2 * m];
    top[m] = in_register(a[2 + 2 * m]);
    state[m] = s[1 + m];
  }
  BackInTime<V> at(steps, parent, above, l);
  for (std::int64_t t = 0; t < steps; ++t) {
    const V x = in_register(at.e[l.at[0]]), p0 = in_register(at.p[0]),
            p1 = in_register(at.p[1]), p2 = in_register(at.p[2]);
    low_state -= p0 * x;
    const V first = low_state + p1 * x;
    const V second = (low_state + p2 * x) * inverse[2];
    V dfirst = {}, dsecond = {};
    SIGTAPE_UNROLL
    for (int m = 0; m < M; ++m) {
      const V y = in_register(at.e[l.at[1 + 2 * m]]);
      state[m] -= first * y;
      const V sum = state[m] + second * y;
      const V dsum = top[m] * at.e[l.at[2 + 2 * m]];
      at.de[l.at[2 + 2 * m]] += top[m] * sum;
      at.de[l.at[1 + 2 * m]] += dsum * second + middle[m] * first;
      dsecond += dsum * y;
      dfirst += middle[m] * y;
      middle[m] += dsum;
    }
    dsecond = dsecond * inverse[2];
    at.de[l.at[0]] += low * p0 + dfirst * p1 + dsecond * p2;
    at.dp[0] = at.from[0] + low * x;
    at.dp[1] = at.from[1] + dfirst * x;
    at.dp[2] = at.from[2] + dsecond * x;
    low += dfirst + dsecond;
    at.step_back(above, l);
  }
  a[0] = low;
  for (int m = 0; m < M; ++m) a[1 + 2 * m] = middle[m];
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
