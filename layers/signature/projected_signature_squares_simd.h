#pragma once

// Squares: a node over D twins, whose letters are those of their D leaves, over
// at most two leaves of its own, and over one more twig whose leaves have some
// of the same letters. All of it runs as one; what the twins and the leaves
// share, their letters, is read and written once.

#include "sigtape/layers/signature/projected_signature_nodes_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// Where the nodes of a square stand: itself, its own leaves, the extra twig
/// and D leaves of it, then twin by twin with their leaves.
template <int D, int Own, bool Extra>
struct SquarePlaces {
  static constexpr int kExtra = 1 + Own;
  static constexpr int kTwins = kExtra + (Extra ? 1 + D : 0);
  static constexpr int kNodes = kTwins + D * (1 + D);
  static constexpr int twin(int m) { return kTwins + m * (1 + D); }
  // Their letters: the square's, its own leaves', the extra twig's, the twins'.
  static constexpr int kTwinLetters = kExtra + (Extra ? 1 : 0);
};

/// A square over a block; s are the values of its nodes.
template <class V, int D, int Own, bool Extra, class T>
SIGTAPE_KERNEL void run_square(std::int64_t steps, std::int64_t stride,
                               const V* parent, const Letters<V>& l, T half,
                               V* s) {
  using Places = SquarePlaces<D, Own, Extra>;
  // Each in a loop of its own: what is copied as one array goes by memory.
  V value = s[0], own[Own + 1] = {}, other = {}, others[D] = {};
  V twin[D], leaves[D][D];
  for (int k = 0; k < Own; ++k) own[k] = s[1 + k];
  if constexpr (Extra) {
    other = s[Places::kExtra];
    for (int k = 0; k < D; ++k) others[k] = s[Places::kExtra + 1 + k];
  }
  for (int m = 0; m < D; ++m) {
    twin[m] = s[Places::twin(m)];
    for (int k = 0; k < D; ++k) leaves[m][k] = s[Places::twin(m) + 1 + k];
  }
  const V* e = l.e;
  const std::int64_t* twins = l.at + Places::kTwinLetters;
  for (std::int64_t t = 0; t < steps; ++t) {
    const V step = in_register(e[l.at[0]]);
    const V first = value + parent[1] * step;
    const V second = (value + parent[2] * step) * half;
    value += parent[0] * step;
    V x[D];
    SIGTAPE_UNROLL
    for (int k = 0; k < D; ++k) x[k] = in_register(e[twins[k]]);
    SIGTAPE_UNROLL
    for (int k = 0; k < Own; ++k) own[k] += first * e[l.at[1 + k]];
    const auto twig = [&](V& value_of, const V& y, V* leaf) {
      const V sum = value_of + second * y;
      SIGTAPE_UNROLL
      for (int k = 0; k < D; ++k) leaf[k] += sum * x[k];
      value_of += first * y;
    };
    if constexpr (Extra)
      twig(other, in_register(e[l.at[Places::kExtra]]), others);
    SIGTAPE_UNROLL
    for (int m = 0; m < D; ++m) twig(twin[m], x[m], leaves[m]);
    parent += stride;
    e += l.channels;
  }
  s[0] = value;
  for (int k = 0; k < Own; ++k) s[1 + k] = own[k];
  if constexpr (Extra) {
    s[Places::kExtra] = other;
    for (int k = 0; k < D; ++k) s[Places::kExtra + 1 + k] = others[k];
  }
  for (int m = 0; m < D; ++m) {
    s[Places::twin(m)] = twin[m];
    for (int k = 0; k < D; ++k) s[Places::twin(m) + 1 + k] = leaves[m][k];
  }
}

/// The derivative, backward in time: a are the gradients of the nodes' values
/// after the block; those of the nodes that are no leaves become those before
/// it. s are the values after it of these: the square's, the extra twig's, the
/// twins'; each step takes its own part off them again.
template <class V, int D, int Own, bool Extra, class T>
SIGTAPE_KERNEL void run_square_adjoint(std::int64_t steps, const V* parent,
                                       const Gradients<V>& above,
                                       const Letters<V>& l, T half, V* a,
                                       const V* s) {
  using Places = SquarePlaces<D, Own, Extra>;
  // Of more factors than fit the registers the others are loaded in every step,
  // once for both of their uses.
  constexpr int kHeld = D < 4 ? D : 2;
  V state = s[0], value = a[0], other = {}, dother = {};
  V states[D], values[D], held[kHeld][D], own[Own + 1] = {};
  for (int k = 0; k < Own; ++k) own[k] = in_register(a[1 + k]);
  if constexpr (Extra) {
    other = s[1];
    dother = a[Places::kExtra];
  }
  for (int m = 0; m < D; ++m) {
    states[m] = s[1 + Extra + m];
    values[m] = a[Places::twin(m)];
    if (m < kHeld)
      for (int k = 0; k < D; ++k)
        held[m][k] = in_register(a[Places::twin(m) + 1 + k]);
  }
  BackInTime<V> at(steps, parent, above, l);
  const std::int64_t* twins = l.at + Places::kTwinLetters;
  for (std::int64_t t = 0; t < steps; ++t) {
    V x[D], dx[D];
    SIGTAPE_UNROLL
    for (int k = 0; k < D; ++k) {
      x[k] = in_register(at.e[twins[k]]);
      dx[k] = at.de[twins[k]];
    }
    const V step = in_register(at.e[l.at[0]]), p0 = in_register(at.p[0]),
            p1 = in_register(at.p[1]), p2 = in_register(at.p[2]);
    state -= p0 * step;
    const V first = state + p1 * step;
    const V second = (state + p2 * step) * half;
    V dfirst = {}, dsecond = {};
    // A twig's share: its letter's gradient is added to dy.
    const auto twig = [&](V& value_of, V& state_of, const V& y, V& dy,
                          const auto& factor) {
      state_of -= first * y;
      const V sum = state_of + second * y;
      V dsum = {};
      SIGTAPE_UNROLL
      for (int k = 0; k < D; ++k) {
        const V c = factor(k);
        dsum += c * x[k];
        dx[k] += c * sum;
      }
      dy += value_of * first;
      dy += dsum * second;
      dfirst += value_of * y;
      dsecond += dsum * y;
      value_of += dsum;
    };
    SIGTAPE_UNROLL
    for (int m = 0; m < D; ++m)
      twig(values[m], states[m], x[m], dx[m], [&](int k) {
        return m < kHeld ? held[m < kHeld ? m : 0][k]
                         : in_register(a[Places::twin(m) + 1 + k]);
      });
    if constexpr (Extra) {
      const V y = in_register(at.e[l.at[Places::kExtra]]);
      V dy = at.de[l.at[Places::kExtra]];
      twig(dother, other, y, dy,
           [&](int k) { return in_register(a[Places::kExtra + 1 + k]); });
      at.de[l.at[Places::kExtra]] = dy;
    }
    SIGTAPE_UNROLL
    for (int k = 0; k < D; ++k) at.de[twins[k]] = dx[k];
    SIGTAPE_UNROLL
    for (int k = 0; k < Own; ++k) {
      dfirst += own[k] * at.e[l.at[1 + k]];
      at.de[l.at[1 + k]] += own[k] * first;
    }
    dsecond = dsecond * half;
    at.de[l.at[0]] += value * p0 + dfirst * p1 + dsecond * p2;
    at.dp[0] = at.from[0] + value * step;
    at.dp[1] = at.from[1] + dfirst * step;
    at.dp[2] = at.from[2] + dsecond * step;
    value += dfirst + dsecond;
    at.step_back(above, l);
  }
  a[0] = value;
  if constexpr (Extra) a[Places::kExtra] = dother;
  for (int m = 0; m < D; ++m) a[Places::twin(m)] = values[m];
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
