#pragma once

// The two last levels: words of level N - 1 and, below each, its d leaves of
// level N. From the parent's two sums, parent[t][0] and parent[t][1] (divided
// by 2), and the increments e[t] of all letters,
//
//   g = S + parent[1] e_i,  S <- S + parent[0] e_i   for a word with letter i,
//   leaf_j <- leaf_j + g e_j                         for its leaves.
//
// Nothing is stored for each step but g, and that only where the leaves do not
// fit the registers.

#include "sigtape/layers/signature/signature_nodes_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {

/// Words of level N - 1 with one parent, their leaves, and a block of steps.
template <class T>
struct Leaves {
  std::int64_t steps;
  std::int64_t channels;
  const Vec<T>* state;      ///< [M]
  Vec<T>* state_after;      ///< [M]; may be `state`
  Vec<T>* leaves;           ///< [M][d], or their cotangents in backward
  const Vec<T>* increment;  ///< [steps] of the first word's letter
  std::int64_t increment_stride;
  const Vec<T>* letters;  ///< [steps][d] of all letters
  const Vec<T>* parent;   ///< [steps][2], stride below
  std::int64_t parent_stride;
  Vec<T>* partials;      ///< scratch [steps][M]
  Vec<T>* history;       ///< [steps][M] states or cotangents; or null
  Vec<T>* leaf_history;  ///< [steps][M][d] the same of leaves; or null

  // Backward only.
  Vec<T>* dstate;      ///< [M]
  Vec<T>* dincrement;  ///< as increment; added to
  Vec<T>* dletters;    ///< as letters; added to
  Vec<T>* dparent;     ///< [steps][2]
};

/// g of M words for all steps into `partials`, their states into history.
template <class T, int M>
SIGTAPE_INLINE void leaf_partials(const Leaves<T>& a) {
  Vec<T> state[M];
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m) state[m] = a.state[m];
  const Vec<T>* __restrict increment = a.increment;
  const Vec<T>* __restrict parent = a.parent;
  Vec<T>* __restrict partials = a.partials;
  for (std::int64_t t = 0; t < a.steps; ++t) {
    const Vec<T> first = in_register(parent[0]);
    const Vec<T> second = in_register(parent[1]);
    SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
      const Vec<T> d = in_register(increment[m]);
      partials[m] = state[m] + second * d;
      state[m] += first * d;
    }
    if (a.history)
      SIGTAPE_UNROLL for (int m = 0; m < M; ++m) a.history[t * M + m] =
          state[m];
    increment += a.increment_stride;
    parent += a.parent_stride;
    partials += M;
  }
  if (a.state_after)
    SIGTAPE_UNROLL for (int m = 0; m < M; ++m) a.state_after[m] = state[m];
}

/// leaf[m][j] += sum over t of partials[t][m] letters[t][j] for J letters from
/// `first` on: the register tile of a matrix product.
template <class T, int M, int J, bool History>
SIGTAPE_INLINE void leaf_products(const Leaves<T>& a, std::int64_t first) {
  Vec<T> sum[M][J];
  const std::int64_t d = a.channels;
  Vec<T>* leaves = a.leaves + first;
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m)
      SIGTAPE_UNROLL for (int j = 0; j < J; ++j) sum[m][j] = leaves[m * d + j];
  const Vec<T>* __restrict letters = a.letters + first;
  const Vec<T>* __restrict partials = a.partials;
  Vec<T>* __restrict history = History ? a.leaf_history + first : nullptr;
  for (std::int64_t t = 0; t < a.steps; ++t) {
    Vec<T> g[M];
    SIGTAPE_UNROLL for (int m = 0; m < M; ++m) g[m] = in_register(partials[m]);
    SIGTAPE_UNROLL for (int j = 0; j < J; ++j) {
      const Vec<T> e = in_register(letters[j]);
      SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
        sum[m][j] += g[m] * e;
        if constexpr (History) history[m * d + j] = sum[m][j];
      }
    }
    letters += d;
    partials += M;
    if constexpr (History) history += M * d;
  }
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m)
      SIGTAPE_UNROLL for (int j = 0; j < J; ++j) leaves[m * d + j] = sum[m][j];
}

/// Any number of letters, for M words.
template <class T, int M, bool History>
SIGTAPE_KERNEL void walk_leaves_any(const Leaves<T>& a) {
  leaf_partials<T, M>(a);
  constexpr int kTile = SIGTAPE_VECTOR_BYTES == 64 ? 5 : 3;
  const std::int64_t d = a.channels;
  std::int64_t j = 0;
  for (; j + kTile <= d; j += kTile) leaf_products<T, M, kTile, History>(a, j);
  if constexpr (kTile > 3) {
    if (d - j >= 3) {
      leaf_products<T, M, 3, History>(a, j);
      j += 3;
    }
  }
  if (d - j == 2) leaf_products<T, M, 2, History>(a, j);
  if (d - j == 1) leaf_products<T, M, 1, History>(a, j);
}

/// M words with D leaves each, everything in registers. The words' letters are
/// `First` on, so that their increments are among the leaves'.
template <class T, int M, int D, int First>
SIGTAPE_KERNEL void walk_leaves_tile(const Leaves<T>& a) {
  Vec<T> state[M], sum[M][D];
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
    state[m] = a.state[m];
    SIGTAPE_UNROLL for (int j = 0; j < D; ++j) sum[m][j] = a.leaves[m * D + j];
  }
  const Vec<T>* __restrict letters = a.letters;
  const Vec<T>* __restrict parent = a.parent;
  for (std::int64_t t = 0; t < a.steps; ++t) {
    const Vec<T> first = in_register(parent[0]);
    const Vec<T> second = in_register(parent[1]);
    Vec<T> own[M], g[M];
    SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
      own[m] = in_register(letters[First + m]);
      g[m] = state[m] + second * own[m];
      state[m] += first * own[m];
    }
    SIGTAPE_UNROLL for (int m = 0; m < M; ++m)
        SIGTAPE_UNROLL for (int i = 0; i < M; ++i) sum[i][First + m] +=
        g[i] * own[m];
    SIGTAPE_UNROLL for (int j = 0; j < D; ++j) {
      if (j >= First && j < First + M) continue;
      const Vec<T> e = in_register(letters[j]);
      SIGTAPE_UNROLL for (int m = 0; m < M; ++m) sum[m][j] += g[m] * e;
    }
    letters += D;
    parent += a.parent_stride;
  }
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
    a.state_after[m] = state[m];
    SIGTAPE_UNROLL for (int j = 0; j < D; ++j) a.leaves[m * D + j] = sum[m][j];
  }
}

/// A word of level N - 2 with its D children and their D * D leaves, all in
/// registers: its sums are never stored.
template <class T>
struct Twig {
  const Vec<T>* state;  ///< the word
  Vec<T>* state_after;
  const Vec<T>* increment;  ///< [steps] of its letter
  std::int64_t increment_stride;
  const Vec<T>* parent;  ///< [steps][3], stride below
  std::int64_t parent_stride;

  // Backward only.
  Vec<T>* dstate;      ///< the word
  Vec<T>* dincrement;  ///< as increment; added to
  Vec<T>* dparent;     ///< [steps][3]
};

/// `Letter` is the word's last letter, or negative where its increments stand
/// elsewhere. `Root`: the word is of level 1.
template <class T, int D, int Letter, bool Root>
SIGTAPE_KERNEL void walk_twig(const Twig<T>& twig, const Leaves<T>& a) {
  Vec<T> word = *twig.state, state[D], sum[D][D];
  SIGTAPE_UNROLL for (int m = 0; m < D; ++m) {
    state[m] = a.state[m];
    SIGTAPE_UNROLL for (int j = 0; j < D; ++j) sum[m][j] = a.leaves[m * D + j];
  }
  const Vec<T> half = broadcast(T(0.5));
  const Vec<T>* __restrict increment = twig.increment;
  const Vec<T>* __restrict letters = a.letters;
  const Vec<T>* __restrict parent = twig.parent;
  const Vec<T> third = broadcast(T(1) / T(3));
  for (std::int64_t t = 0; t < a.steps; ++t) {
    Vec<T> e[D];
    SIGTAPE_UNROLL for (int j = 0; j < D; ++j) e[j] = in_register(letters[j]);
    const Vec<T> d = Letter < 0 ? in_register(*increment) : e[Letter];
    // The root's sums, 1, 1/2 and 1/3, do not change.
    const Vec<T> first = word + (Root ? half : parent[1]) * d;
    const Vec<T> second = (word + (Root ? third : parent[2]) * d) * half;
    word += Root ? d : parent[0] * d;
    SIGTAPE_UNROLL for (int m = 0; m < D; ++m) {
      const Vec<T> g = state[m] + second * e[m];
      state[m] += first * e[m];
      SIGTAPE_UNROLL for (int j = 0; j < D; ++j) sum[m][j] += g * e[j];
    }
    increment += twig.increment_stride;
    letters += D;
    parent += twig.parent_stride;
  }
  *twig.state_after = word;
  SIGTAPE_UNROLL for (int m = 0; m < D; ++m) {
    a.state_after[m] = state[m];
    SIGTAPE_UNROLL for (int j = 0; j < D; ++j) a.leaves[m * D + j] = sum[m][j];
  }
}

/// One step of the leaves' adjoint, D known: h[m] = sum over j of
/// cotangent[m][j] letters[j], dletters[j] += sum over m of cotangent[m][j]
/// g[m].
template <class T, int M, int D>
SIGTAPE_INLINE void leaf_step_back(const Vec<T> (&cotangent)[M][D],
                                   const Vec<T>* letters, const Vec<T> (&g)[M],
                                   Vec<T> (&h)[M], Vec<T> (&dletters)[D]) {
  SIGTAPE_UNROLL for (int j = 0; j < D; ++j) {
    const Vec<T> e = in_register(letters[j]);
    SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
      h[m] = j == 0 ? cotangent[m][j] * e : h[m] + cotangent[m][j] * e;
      dletters[j] += cotangent[m][j] * g[m];
    }
  }
}

/// The same for one letter of any number, `cotangent` at a distance of
/// `stride`; `history` is added to it first unless null.
template <class T, int M, bool History>
SIGTAPE_INLINE void letter_back(Vec<T>* cotangent, std::int64_t stride,
                                const Vec<T>* history, const Vec<T>& letter,
                                const Vec<T> (&g)[M], Vec<T> (&h)[M],
                                Vec<T>& dletter) {
  const Vec<T> e = in_register(letter);
  Vec<T> sum = dletter;
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
    Vec<T> c = in_register(cotangent[m * stride]);
    if constexpr (History) {
      c += history[m * stride];
      cotangent[m * stride] = c;
    }
    h[m] += c * e;
    sum += c * g[m];
  }
  dletter = sum;
}

/// Two letters at a time, each with sums of its own: one chain of additions
/// would take as long as the arithmetic.
template <class T, int M, bool History>
SIGTAPE_INLINE void leaf_step_back_any(Vec<T>* cotangents, std::int64_t d,
                                       const Vec<T>* history,
                                       const Vec<T>* letters,
                                       const Vec<T> (&g)[M], Vec<T> (&h)[M],
                                       Vec<T>* dletters) {
  Vec<T> odd[M];
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m) odd[m] = h[m] = Vec<T>{};
  std::int64_t j = 0;
  for (; j + 2 <= d; j += 2) {
    letter_back<T, M, History>(cotangents + j, d, history + (History ? j : 0),
                               letters[j], g, h, dletters[j]);
    letter_back<T, M, History>(cotangents + j + 1, d,
                               history + (History ? j + 1 : 0), letters[j + 1],
                               g, odd, dletters[j + 1]);
  }
  if (j < d)
    letter_back<T, M, History>(cotangents + j, d, history + (History ? j : 0),
                               letters[j], g, h, dletters[j]);
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m) h[m] += odd[m];
}

/// The adjoint for M words. D = 0: any number of letters, given at run time.
/// leaves holds the cotangents of the leaves, constant through time unless
/// `History` adds those of each step.
template <class T, int M, int D, ParentShare Share, bool History>
SIGTAPE_KERNEL void walk_leaves_back(const Leaves<T>& a) {
  Leaves<T> recomputed = a;
  recomputed.history = nullptr;
  recomputed.state_after = nullptr;
  leaf_partials<T, M>(recomputed);

  constexpr int kLetters = D > 0 ? D : 1;
  const std::int64_t d = D > 0 ? D : a.channels;
  const std::int64_t last = a.steps - 1;
  Vec<T> dstate[M], cotangent[M][kLetters];
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
    dstate[m] = a.dstate[m];
    SIGTAPE_UNROLL for (int j = 0; j < D; ++j) cotangent[m][j] =
        a.leaves[m * D + j];
  }
  const std::int64_t stride = a.increment_stride;
  const Vec<T>* __restrict increment = a.increment + last * stride;
  Vec<T>* dincrement = a.dincrement + last * stride;
  const Vec<T>* __restrict letters = a.letters + last * d;
  Vec<T>* dletters = a.dletters + last * d;
  const Vec<T>* __restrict parent = a.parent + last * a.parent_stride;
  Vec<T>* __restrict dparent = a.dparent + last * 2;
  const Vec<T>* __restrict partials = a.partials + last * M;
  const Vec<T>* __restrict history =
      History ? a.leaf_history + last * M * d : nullptr;
  for (std::int64_t t = last; t >= 0; --t) {
    Vec<T> g[M], h[M], sum[kLetters];
    SIGTAPE_UNROLL for (int m = 0; m < M; ++m) g[m] = in_register(partials[m]);
    if constexpr (D > 0) {
      SIGTAPE_UNROLL for (int j = 0; j < D; ++j) sum[j] = dletters[j];
      leaf_step_back<T, M, D>(cotangent, letters, g, h, sum);
    } else {
      leaf_step_back_any<T, M, History>(a.leaves, d, history, letters, g, h,
                                        dletters);
    }
    if constexpr (D > 0 && M != D) {
      SIGTAPE_UNROLL for (int j = 0; j < D; ++j) dletters[j] = sum[j];
    }
    const Vec<T> first = in_register(parent[0]);
    const Vec<T> second = in_register(parent[1]);
    Vec<T> share[2] = {};
    if constexpr (Share == ParentShare::add) {
      share[0] = dparent[0];
      share[1] = dparent[1];
    }
    SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
      if constexpr (History) dstate[m] += a.history[t * M + m];
      const Vec<T> e = in_register(M == D ? letters[m] : increment[m]);
      if constexpr (M == D) {
        dletters[m] = (sum[m] + dstate[m] * first) + h[m] * second;
      } else {
        dincrement[m] = (dincrement[m] + dstate[m] * first) + h[m] * second;
      }
      share[0] += dstate[m] * e;
      share[1] += h[m] * e;
      dstate[m] += h[m];
    }
    if constexpr (Share != ParentShare::none) {
      dparent[0] = share[0];
      dparent[1] = share[1];
    }
    increment -= stride;
    dincrement -= stride;
    letters -= d;
    dletters -= d;
    parent -= a.parent_stride;
    dparent -= 2;
    partials -= M;
    if constexpr (History) history -= M * d;
  }
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m) a.dstate[m] = dstate[m];
}

/// The adjoint for M words with the letters `First` on and D leaves each, from
/// the states after the block: each step takes its own part off them again, so
/// that nothing is stored for a step. Needs the registers of a 64-byte set.
template <class T, int M, int D, int First>
SIGTAPE_KERNEL void walk_leaves_tile_back(const Leaves<T>& a) {
  const std::int64_t last = a.steps - 1;
  Vec<T> state[M], dstate[M], cotangent[M][D];
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
    state[m] = a.state[m];
    dstate[m] = a.dstate[m];
    SIGTAPE_UNROLL for (int j = 0; j < D; ++j) cotangent[m][j] =
        a.leaves[m * D + j];
  }
  const Vec<T>* __restrict letters = a.letters + last * D;
  Vec<T>* __restrict dletters = a.dletters + last * D;
  const Vec<T>* __restrict parent = a.parent + last * a.parent_stride;
  Vec<T>* __restrict dparent = a.dparent + last * 2;
  for (std::int64_t t = last; t >= 0; --t) {
    const Vec<T> first = in_register(parent[0]);
    const Vec<T> second = in_register(parent[1]);
    Vec<T> g[M], h[M], own[M];
    SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
      const Vec<T> e = in_register(letters[First + m]);
      state[m] -= first * e;
      g[m] = state[m] + second * e;
    }
    SIGTAPE_UNROLL for (int k = 0; k < D; ++k) {
      // The words' own letters come last.
      const int j = (First + M + k) % D;
      const Vec<T> e = in_register(letters[j]);
      Vec<T> sum = dletters[j];
      SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
        h[m] = k == 0 ? cotangent[m][j] * e : h[m] + cotangent[m][j] * e;
        sum += cotangent[m][j] * g[m];
      }
      if (k < D - M) {
        dletters[j] = sum;
      } else {
        own[k - (D - M)] = sum;
      }
    }
    Vec<T> share[2];
    SIGTAPE_UNROLL for (int m = 0; m < M; ++m) {
      const Vec<T> e = in_register(letters[First + m]);
      dletters[First + m] = (own[m] + dstate[m] * first) + h[m] * second;
      const bool begun = First > 0 || m > 0;
      if (First > 0 && m == 0) {
        share[0] = dparent[0];
        share[1] = dparent[1];
      }
      share[0] = begun ? share[0] + dstate[m] * e : dstate[m] * e;
      share[1] = begun ? share[1] + h[m] * e : h[m] * e;
      dstate[m] += h[m];
    }
    dparent[0] = share[0];
    dparent[1] = share[1];
    letters -= D;
    dletters -= D;
    parent -= a.parent_stride;
    dparent -= 2;
  }
  SIGTAPE_UNROLL for (int m = 0; m < M; ++m) a.dstate[m] = dstate[m];
}

/// The same for all D words of a family at once. Their cotangents stay in
/// memory and are loaded once for both uses: nothing is left for registers, but
/// the letters' gradients and the parent's are stored once for all words.
template <class T, int D>
SIGTAPE_KERNEL void walk_leaves_family_back(const Leaves<T>& a) {
  const std::int64_t last = a.steps - 1;
  Vec<T> state[D], dstate[D];
  SIGTAPE_UNROLL for (int m = 0; m < D; ++m) {
    state[m] = a.state[m];
    dstate[m] = a.dstate[m];
  }
  const Vec<T>* __restrict letters = a.letters + last * D;
  Vec<T>* __restrict dletters = a.dletters + last * D;
  const Vec<T>* __restrict parent = a.parent + last * a.parent_stride;
  Vec<T>* __restrict dparent = a.dparent + last * 2;
  for (std::int64_t t = last; t >= 0; --t) {
    const Vec<T> first = in_register(parent[0]);
    const Vec<T> second = in_register(parent[1]);
    Vec<T> e[D], sum[D], share[2] = {};
    SIGTAPE_UNROLL for (int j = 0; j < D; ++j) {
      e[j] = in_register(letters[j]);
      sum[j] = dletters[j];
    }
    SIGTAPE_UNROLL for (int m = 0; m < D; ++m) {
      state[m] -= first * e[m];
      const Vec<T> g = state[m] + second * e[m];
      Vec<T> h;
      SIGTAPE_UNROLL for (int j = 0; j < D; ++j) {
        const Vec<T> c = in_register(a.leaves[m * D + j]);
        h = j == 0 ? c * e[j] : h + c * e[j];
        sum[j] += c * g;
      }
      sum[m] += dstate[m] * first;
      sum[m] += h * second;
      share[0] = m == 0 ? dstate[m] * e[m] : share[0] + dstate[m] * e[m];
      share[1] = m == 0 ? h * e[m] : share[1] + h * e[m];
      dstate[m] += h;
    }
    SIGTAPE_UNROLL for (int j = 0; j < D; ++j) dletters[j] = sum[j];
    dparent[0] = share[0];
    dparent[1] = share[1];
    letters -= D;
    dletters -= D;
    parent -= a.parent_stride;
    dparent -= 2;
  }
  SIGTAPE_UNROLL for (int m = 0; m < D; ++m) a.dstate[m] = dstate[m];
}

/// A word of level N - 3 with two letters and all fourteen words below it in
/// registers; `leaves` holds the first of its words of level N - 1 and N,
/// `child_state` and `child_after` its two children.
template <class T>
SIGTAPE_KERNEL void walk_branch(const Twig<T>& branch,
                                const Vec<T>* child_state, Vec<T>* child_after,
                                const Leaves<T>& a) {
  Vec<T> word = *branch.state, child[2], state[4], sum[8];
  SIGTAPE_UNROLL for (int m = 0; m < 2; ++m) child[m] = child_state[m];
  SIGTAPE_UNROLL for (int m = 0; m < 4; ++m) state[m] = a.state[m];
  SIGTAPE_UNROLL for (int m = 0; m < 8; ++m) sum[m] = a.leaves[m];
  const Vec<T> half = broadcast(T(0.5)), third = broadcast(T(1) / T(3));
  const Vec<T>* __restrict increment = branch.increment;
  const Vec<T>* __restrict letters = a.letters;
  const Vec<T>* __restrict parent = branch.parent;
  for (std::int64_t t = 0; t < a.steps; ++t) {
    const Vec<T> d = in_register(*increment);
    const Vec<T> e[2] = {in_register(letters[0]), in_register(letters[1])};
    const Vec<T> first = word + parent[1] * d;
    const Vec<T> second = (word + parent[2] * d) * half;
    const Vec<T> last = (word + parent[3] * d) * third;
    word += parent[0] * d;
    SIGTAPE_UNROLL for (int i = 0; i < 2; ++i) {
      const Vec<T> to_state = child[i] + second * e[i];
      const Vec<T> to_leaves = (child[i] + last * e[i]) * half;
      child[i] += first * e[i];
      SIGTAPE_UNROLL for (int m = 0; m < 2; ++m) {
        const int w = 2 * i + m;
        const Vec<T> g = state[w] + to_leaves * e[m];
        state[w] += to_state * e[m];
        sum[2 * w] += g * e[0];
        sum[2 * w + 1] += g * e[1];
      }
    }
    increment += branch.increment_stride;
    letters += 2;
    parent += branch.parent_stride;
  }
  *branch.state_after = word;
  SIGTAPE_UNROLL for (int m = 0; m < 2; ++m) child_after[m] = child[m];
  SIGTAPE_UNROLL for (int m = 0; m < 4; ++m) a.state_after[m] = state[m];
  SIGTAPE_UNROLL for (int m = 0; m < 8; ++m) a.leaves[m] = sum[m];
}

}  // namespace sigtape::SIGTAPE_ISA_NAME
