#pragma once

// One step of a subtree's row through time, by Horner's scheme, and back.
//
// A node u of level k carries the partial sums g_u^(n), k < n <= N, of the
// words below it: g_u^(n) = (S_u + g_v^(n) dx_i) / (n - k) with v its parent
// and i its last letter, g^(n) = 1 / n at the root, and the step is S_u +=
// g_v^(k) dx_i. Partial sums of a node stand side by side, n = k + 1 first.

#include "sigtape/framework/simd/vec.h"
#include "sigtape/layers/signature/signature_conv1d_plan.h"

namespace sigtape::SIGTAPE_ISA_NAME {

constexpr int kMaxDepth = cpu::kMaxSignatureConv1dDepth;

/// A unit of subtrees, one for each lane, and the scratch memory of its walk.
template <class T>
struct Subtree {
  const cpu::SignatureConv1dPlan* plan;
  std::int64_t channels;
  int depth;
  const Vec<T>* inverses;   ///< [n]: 1 / n, 1 <= n <= depth
  Vec<T>* prefix_partials;  ///< [k][n] along the prefix, k = 0 first
  Vec<T>* partials;         ///< level after level, [node][n]
  Vec<T>* dpartials;
  /// Increments of the prefix's letters, and their gradients: of step t at
  /// [t * letter_stride].
  const Vec<T>* letters[kMaxDepth];
  Vec<T>* dletters[kMaxDepth];
  std::int64_t letter_stride;

  SIGTAPE_INLINE Vec<T>* of_prefix(int k) const {
    return prefix_partials + k * (depth + 1);
  }
  /// Place in a row of the prefix's first k letters.
  SIGTAPE_INLINE std::int64_t prefix_at(int k) const {
    return plan->level_at[0] + plan->prefix_letters - k;
  }
};

/// Partial sums along the prefix; with `next` its words' steps too.
template <class T>
SIGTAPE_INLINE void walk_prefix(const Subtree<T>& s, std::int64_t t,
                                const Vec<T>* row, Vec<T>* next) {
  for (int n = 1; n <= s.depth; ++n) s.of_prefix(0)[n] = s.inverses[n];
  for (int k = 1; k <= s.plan->prefix_letters; ++k) {
    const Vec<T>* above = s.of_prefix(k - 1);
    const Vec<T> old = row[s.prefix_at(k)];
    const Vec<T> dx = s.letters[k - 1][t * s.letter_stride];
    if (next) next[s.prefix_at(k)] = old + above[k] * dx;
    Vec<T>* own = s.of_prefix(k);
    for (int n = k + 1; n <= s.depth; ++n)
      own[n] = (old + above[n] * dx) * s.inverses[n - k];
  }
}

/// Partial sums of the levels between the prefix and the top two, with `next`
/// their words' steps too. Returns those of the last of these levels.
template <class T, int D>
SIGTAPE_INLINE const Vec<T>* walk_levels(const Subtree<T>& s, const Vec<T>* dx,
                                         const Vec<T>* row, Vec<T>* next) {
  const std::int64_t d = D ? D : s.channels;
  const Vec<T>* above =
      s.of_prefix(s.plan->prefix_letters) + s.plan->prefix_letters + 1;
  Vec<T>* own = s.partials;
  std::int64_t parents = 1;
  for (int j = 1; j <= s.plan->levels - 2; ++j) {
    const int count = s.plan->levels - j;
    Vec<T>* of_level = own;
    std::int64_t at = s.plan->level_at[j];
    for (std::int64_t v = 0; v < parents; ++v, above += count + 1)
      for (std::int64_t i = 0; i < d; ++i, ++at, own += count) {
        const Vec<T> old = row[at];
        if (next) next[at] = old + above[0] * dx[i];
        for (int n = 1; n <= count; ++n)
          own[n - 1] = (old + above[n] * dx[i]) * s.inverses[n];
      }
    above = of_level;
    parents *= d;
  }
  return above;
}

template <class T, int D>
struct Letters {
  Vec<T> values[D ? D : 1];

  SIGTAPE_INLINE const Vec<T>* read(const Vec<T>* from) {
    if constexpr (D == 0) return from;
#pragma GCC unroll 16
    for (int j = 0; j < D; ++j) values[j] = from[j];
    return values;
  }
};

/// next = row (x) exp(dx), the subtree's part; they may be the same. D is the
/// number of channels, or 0 where it is known at run time only.
template <class T, int D>
SIGTAPE_INLINE void step(const Subtree<T>& s, std::int64_t t,
                         const Vec<T>* increments, const Vec<T>* row,
                         Vec<T>* next) {
  const std::int64_t d = D ? D : s.channels;
  walk_prefix(s, t, row, next);
  const Vec<T>* g = walk_levels<T, D>(s, increments, row, next);
  Letters<T, D> letters;
  const Vec<T>* dx = letters.read(increments);
  if (s.plan->levels == 1) {
#pragma GCC unroll 16
    for (std::int64_t j = 0; j < d; ++j) next[j] = row[j] + g[0] * dx[j];
    return;
  }
  std::int64_t at = s.plan->level_at[s.plan->levels - 1];
  const std::int64_t end = s.plan->level_at[s.plan->levels - 2];
  for (std::int64_t leaf = 0; at < end; g += 2)
    for (std::int64_t i = 0; i < d; ++i, ++at, leaf += d) {
      const Vec<T> old = row[at], q = increments[i], sum = old + g[1] * q;
      next[at] = old + g[0] * q;
#pragma GCC unroll 16
      for (std::int64_t j = 0; j < d; ++j)
        next[leaf + j] = row[leaf + j] + sum * dx[j];
    }
}

/// Adjoint of the top two levels: E and dx's gradients, and the partial sums'.
template <class T, int D>
SIGTAPE_INLINE void leaves_back(const Subtree<T>& s, const Vec<T>* increments,
                                const Vec<T>* row, const Vec<T>* g,
                                const Vec<T>* direct, Vec<T>* later,
                                Vec<T>* dincrements, Vec<T>* dg) {
  const std::int64_t d = D ? D : s.channels;
  Letters<T, D> letters;
  const Vec<T>* dx = letters.read(increments);
  // Sums of what leaves give their letters, in registers where D is known.
  Vec<T> sums[D ? D : 1] = {};
  Vec<T>* ddx = D ? sums : dincrements;
  if (s.plan->levels == 1) {
    Vec<T> sum = {};
#pragma GCC unroll 16
    for (std::int64_t j = 0; j < d; ++j) {
      sum += direct[j] * dx[j];
      ddx[j] += direct[j] * g[0];
    }
    dg[0] = sum;
  } else {
    std::int64_t at = s.plan->level_at[s.plan->levels - 1];
    const std::int64_t end = s.plan->level_at[s.plan->levels - 2];
    for (std::int64_t leaf = 0; at < end; g += 2, dg += 2) {
      Vec<T> dg0 = {}, dg1 = {};
      for (std::int64_t i = 0; i < d; ++i, ++at, leaf += d) {
        const Vec<T> q = increments[i], sum = row[at] + g[1] * q;
        Vec<T> dsum = {};
#pragma GCC unroll 16
        for (std::int64_t j = 0; j < d; ++j) {
          dsum += direct[leaf + j] * dx[j];
          ddx[j] += direct[leaf + j] * sum;
        }
        const Vec<T> ds = direct[at] + later[at];
        later[at] += dsum;
        dg0 += ds * q;
        dg1 += dsum * q;
        dincrements[i] += ds * g[0] + dsum * g[1];
      }
      dg[0] = dg0;
      dg[1] = dg1;
    }
  }
  if constexpr (D > 0) {
#pragma GCC unroll 16
    for (int j = 0; j < D; ++j) dincrements[j] += sums[j];
  }
}

/// Adjoint of `walk_levels`, the level next to the prefix last. `dpartials`
/// holds the gradients of the levels' partial sums one level after another;
/// those of the prefix are left at its start.
template <class T>
SIGTAPE_INLINE void levels_back(const Subtree<T>& s, const Vec<T>* dx,
                                const Vec<T>* direct, Vec<T>* later,
                                Vec<T>* ddx) {
  const std::int64_t d = s.channels;
  std::int64_t starts[kMaxDepth + 1], nodes[kMaxDepth + 1];
  starts[0] = 0;
  nodes[0] = 1;
  for (int j = 1; j <= s.plan->levels - 1; ++j) {
    starts[j] = starts[j - 1] + nodes[j - 1] * (s.plan->levels - j + 1);
    nodes[j] = nodes[j - 1] * d;
  }
  for (int j = s.plan->levels - 2; j >= 1; --j) {
    const int count = s.plan->levels - j;
    // Level 0 is the prefix, whose partial sums stand apart.
    const Vec<T>* g = j > 1 ? s.partials + starts[j - 1] - starts[1]
                            : s.of_prefix(s.plan->prefix_letters) +
                                  s.plan->prefix_letters + 1;
    Vec<T>* dg = s.dpartials + starts[j - 1];
    const Vec<T>* down = s.dpartials + starts[j];
    std::int64_t at = s.plan->level_at[j];
    for (std::int64_t v = 0; v < nodes[j - 1];
         ++v, g += count + 1, dg += count + 1) {
      for (int n = 0; n <= count; ++n) dg[n] = Vec<T>{};
      for (std::int64_t i = 0; i < d; ++i, ++at, down += count) {
        const Vec<T> ds = direct[at] + later[at];
        Vec<T> sum = {}, dq = ds * g[0];
        dg[0] += ds * dx[i];
        for (int n = 1; n <= count; ++n) {
          const Vec<T> part = down[n - 1] * s.inverses[n];
          sum += part;
          dq += part * g[n];
          dg[n] += part * dx[i];
        }
        later[at] += sum;
        ddx[i] += dq;
      }
    }
  }
}

/// Adjoint of `walk_prefix`; dg[n - 1] is the gradient of the prefix's own
/// partial sum of n, and is used up.
template <class T>
SIGTAPE_INLINE void prefix_back(const Subtree<T>& s, std::int64_t t,
                                const Vec<T>* direct, Vec<T>* later,
                                Vec<T>* dg) {
  for (int k = s.plan->prefix_letters; k >= 1; --k) {
    const Vec<T>* above = s.of_prefix(k - 1);
    const std::int64_t at = s.prefix_at(k);
    const Vec<T> dx = s.letters[k - 1][t * s.letter_stride];
    const Vec<T> ds = direct[at] + later[at];
    Vec<T> sum = {}, dq = ds * above[k];
    for (int n = k + 1; n <= s.depth; ++n) {
      const Vec<T> part = dg[n - 1] * s.inverses[n - k];
      sum += part;
      dq += part * above[n];
      dg[n - 1] = part * dx;
    }
    dg[k - 1] = ds * dx;
    later[at] += sum;
    s.dletters[k - 1][t * s.letter_stride] += dq;
  }
}

/// The adjoint of one step from `row`. The cotangent of the row after it is
/// direct + later: `direct`, which all rows from there on have from y, and
/// `later`, which steps after this one have added for words of levels below N;
/// this step adds its part.
template <class T, int D>
SIGTAPE_INLINE void step_back(const Subtree<T>& s, std::int64_t t,
                              const Vec<T>* increments, const Vec<T>* row,
                              const Vec<T>* direct, Vec<T>* later,
                              Vec<T>* dincrements) {
  const int levels = s.plan->levels;
  walk_prefix(s, t, row, static_cast<Vec<T>*>(nullptr));
  const Vec<T>* g =
      walk_levels<T, D>(s, increments, row, static_cast<Vec<T>*>(nullptr));
  // Gradients of the prefix's partial sums first, then level after level.
  Vec<T>* dg = s.dpartials;
  std::int64_t nodes = 1;
  for (int j = 1; j <= levels - 2; ++j) {
    dg += nodes * (levels - j + 1);
    nodes *= D ? D : s.channels;
  }
  leaves_back<T, D>(s, increments, row, g, direct, later, dincrements, dg);
  levels_back(s, increments, direct, later, dincrements);
  if (s.plan->prefix_letters == 0) return;
  Vec<T> of_prefix[kMaxDepth];
  for (int n = 0; n < levels; ++n)
    of_prefix[s.plan->prefix_letters + n] = s.dpartials[n];
  prefix_back(s, t, direct, later, of_prefix);
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
