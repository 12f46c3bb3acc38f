#pragma once

// The adjoints of words with all that is below them in registers: of level
// N - 2, twigs, and of two letters of level N - 3, branches.

#include "sigtape/layers/signature/signature_leaves_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// The adjoint of a twig: of D * D leaves, whose cotangents `leaves.leaves`
/// are constant through time, of their D parents, and of the word above. The
/// states are those after the block; each step takes its own part off them
/// again, so that nothing but the parent's sums is stored for a step. Words of
/// level 1 give no share. `First`: the letters' cotangents begin here.
template <class T, int D, int Letter, ParentShare Share, bool First>
SIGTAPE_KERNEL void walk_twig_back(const Twig<T>& twig, const Leaves<T>& a) {
  Vec<T> word = *twig.state, dword = *twig.dstate;
  // Of four letters' sixteen cotangents only half fit the registers with all
  // else: the others are loaded in every step, once for both of their uses.
  constexpr int kHeld = D < 4 ? D : 2;
  Vec<T> state[D], dstate[D], held[kHeld][D];
  SIGTAPE_UNROLL for (int m = 0; m < D; ++m) {
    state[m] = a.state[m];
    dstate[m] = a.dstate[m];
    if (m < kHeld)
      SIGTAPE_UNROLL for (int j = 0; j < D; ++j) held[m][j] =
          a.leaves[m * D + j];
  }
  const Vec<T> half = broadcast(T(0.5));
  constexpr bool kRoot = Share == ParentShare::none;
  const Vec<T> one = broadcast(T(1)), third = broadcast(T(1) / T(3));
  const std::int64_t last = a.steps - 1;
  const Vec<T>* __restrict increment =
      twig.increment + last * twig.increment_stride;
  Vec<T>* dincrement = twig.dincrement + last * twig.increment_stride;
  const Vec<T>* __restrict letters = a.letters + last * D;
  Vec<T>* dletters = a.dletters + last * D;
  const Vec<T>* __restrict parent = twig.parent + last * twig.parent_stride;
  Vec<T>* __restrict dparent = twig.dparent + last * 3;
  for (std::int64_t t = last; t >= 0; --t) {
    Vec<T> e[D], sum[D];
    SIGTAPE_UNROLL for (int j = 0; j < D; ++j) {
      e[j] = in_register(letters[j]);
      sum[j] = First ? Vec<T>{} : dletters[j];
    }
    const Vec<T> d = Letter < 0 ? in_register(*increment) : e[Letter];
    // The root's sums do not change.
    const Vec<T> sums[3] = {kRoot ? one : in_register(parent[0]),
                            kRoot ? half : in_register(parent[1]),
                            kRoot ? third : in_register(parent[2])};
    word -= sums[0] * d;
    const Vec<T> first = word + sums[1] * d;
    const Vec<T> second = (word + sums[2] * d) * half;
    Vec<T> dfirst = {}, dsecond = {};
    SIGTAPE_UNROLL for (int m = 0; m < D; ++m) {
      state[m] -= first * e[m];
      const Vec<T> g = state[m] + second * e[m];
      Vec<T> h;
      SIGTAPE_UNROLL for (int j = 0; j < D; ++j) {
        const Vec<T> c = m < kHeld ? held[m < kHeld ? m : 0][j]
                                   : in_register(a.leaves[m * D + j]);
        h = j == 0 ? c * e[j] : h + c * e[j];
        sum[j] += c * g;
      }
      sum[m] += dstate[m] * first;
      sum[m] += h * second;
      dfirst = m == 0 ? dstate[m] * e[m] : dfirst + dstate[m] * e[m];
      dsecond = m == 0 ? h * e[m] : dsecond + h * e[m];
      dstate[m] += h;
    }
    dsecond *= half;
    if constexpr (Letter >= 0)
      sum[Letter] = (sum[Letter] + dword * sums[0] + dfirst * sums[1]) +
                    dsecond * sums[2];
    SIGTAPE_UNROLL for (int j = 0; j < D; ++j) dletters[j] = sum[j];
    if constexpr (Letter < 0)
      *dincrement = (*dincrement + dword * sums[0] + dfirst * sums[1]) +
                    dsecond * sums[2];
    if constexpr (Share == ParentShare::overwrite) {
      dparent[0] = dword * d;
      dparent[1] = dfirst * d;
      dparent[2] = dsecond * d;
    }
    if constexpr (Share == ParentShare::add) {
      dparent[0] += dword * d;
      dparent[1] += dfirst * d;
      dparent[2] += dsecond * d;
    }
    dword += dfirst + dsecond;
    increment -= twig.increment_stride;
    dincrement -= twig.increment_stride;
    letters -= D;
    dletters -= D;
    parent -= twig.parent_stride;
    dparent -= 3;
  }
  *twig.dstate = dword;
  SIGTAPE_UNROLL for (int m = 0; m < D; ++m) a.dstate[m] = dstate[m];
}

// What the parts of a parent's sums give to its own cotangents.
template <class T, int K, ParentShare Share>
SIGTAPE_INLINE void give_share(Vec<T>* dparent, const Vec<T> (&parts)[K],
                               Vec<T> d) {
  SIGTAPE_UNROLL for (int k = 0; k < K; ++k) {
    if constexpr (Share == ParentShare::overwrite) dparent[k] = parts[k] * d;
    if constexpr (Share == ParentShare::add) dparent[k] += parts[k] * d;
  }
}

/// The adjoint of a branch, from the states after the block as in a twig.
/// `child_state` and `dchild` are those of its two children.
template <class T, int Letter, ParentShare Share>
SIGTAPE_KERNEL void walk_branch_back(const Twig<T>& branch,
                                     const Vec<T>* child_state,
                                     Vec<T>* child_dstate, const Leaves<T>& a) {
  Vec<T> word = *branch.state, dword = *branch.dstate;
  Vec<T> child[2], dchild[2], state[4], dstate[4], cotangent[8];
  SIGTAPE_UNROLL for (int m = 0; m < 2; ++m) {
    child[m] = child_state[m];
    dchild[m] = child_dstate[m];
  }
  SIGTAPE_UNROLL for (int m = 0; m < 4; ++m) {
    state[m] = a.state[m];
    dstate[m] = a.dstate[m];
  }
  SIGTAPE_UNROLL for (int m = 0; m < 8; ++m) cotangent[m] = a.leaves[m];
  const Vec<T> half = broadcast(T(0.5)), third = broadcast(T(1) / T(3));
  const std::int64_t last = a.steps - 1;
  const Vec<T>* __restrict increment =
      branch.increment + last * branch.increment_stride;
  Vec<T>* dincrement = branch.dincrement + last * branch.increment_stride;
  const Vec<T>* __restrict letters = a.letters + last * 2;
  Vec<T>* dletters = a.dletters + last * 2;
  const Vec<T>* __restrict parent = branch.parent + last * branch.parent_stride;
  Vec<T>* __restrict dparent = branch.dparent + last * 4;
  for (std::int64_t t = last; t >= 0; --t) {
    const Vec<T> e[2] = {in_register(letters[0]), in_register(letters[1])};
    const Vec<T> d = Letter < 0 ? in_register(*increment) : e[Letter & 1];
    Vec<T> sum[2] = {dletters[0], dletters[1]};
    word -= parent[0] * d;
    const Vec<T> first = word + parent[1] * d;
    const Vec<T> second = (word + parent[2] * d) * half;
    const Vec<T> third_sum = (word + parent[3] * d) * third;
    Vec<T> parts[4] = {};
    SIGTAPE_UNROLL for (int i = 0; i < 2; ++i) {
      child[i] -= first * e[i];
      const Vec<T> to_state = child[i] + second * e[i];
      const Vec<T> to_leaves = (child[i] + third_sum * e[i]) * half;
      Vec<T> dto_state, dto_leaves;
      SIGTAPE_UNROLL for (int m = 0; m < 2; ++m) {
        const int w = 2 * i + m;
        state[w] -= to_state * e[m];
        const Vec<T> g = state[w] + to_leaves * e[m];
        Vec<T> h = cotangent[2 * w] * e[0];
        h += cotangent[2 * w + 1] * e[1];
        sum[0] += cotangent[2 * w] * g;
        sum[1] += cotangent[2 * w + 1] * g;
        sum[m] += dstate[w] * to_state;
        sum[m] += h * to_leaves;
        dto_state = m == 0 ? dstate[w] * e[m] : dto_state + dstate[w] * e[m];
        dto_leaves = m == 0 ? h * e[m] : dto_leaves + h * e[m];
        dstate[w] += h;
      }
      dto_leaves *= half;
      sum[i] += dchild[i] * first;
      sum[i] += dto_state * second;
      sum[i] += dto_leaves * third_sum;
      parts[1] = i == 0 ? dchild[i] * e[i] : parts[1] + dchild[i] * e[i];
      parts[2] = i == 0 ? dto_state * e[i] : parts[2] + dto_state * e[i];
      parts[3] = i == 0 ? dto_leaves * e[i] : parts[3] + dto_leaves * e[i];
      dchild[i] += dto_state + dto_leaves;
    }
    parts[0] = dword;
    parts[2] *= half;
    parts[3] *= third;
    if constexpr (Letter >= 0)
      SIGTAPE_UNROLL for (int k = 0; k < 4; ++k) sum[Letter] +=
          parts[k] * parent[k];
    dletters[0] = sum[0];
    dletters[1] = sum[1];
    if constexpr (Letter < 0)
      SIGTAPE_UNROLL for (int k = 0; k < 4; ++k)* dincrement +=
          parts[k] * parent[k];
    give_share<T, 4, Share>(dparent, parts, d);
    dword += parts[1] + parts[2] + parts[3];
    increment -= branch.increment_stride;
    dincrement -= branch.increment_stride;
    letters -= 2;
    dletters -= 2;
    parent -= branch.parent_stride;
    dparent -= 4;
  }
  *branch.dstate = dword;
  SIGTAPE_UNROLL for (int m = 0; m < 2; ++m) child_dstate[m] = dchild[m];
  SIGTAPE_UNROLL for (int m = 0; m < 4; ++m) a.dstate[m] = dstate[m];
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
