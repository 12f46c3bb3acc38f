#pragma once

// The tree of a projected signature walked depth first over a block of time:
// every node runs the whole block before its children do. It reads its parent's
// partial sums P^k = V^k / (k - level), which stand in the first-level cache,
// and writes its own.

#include "sigtape/layers/signature/projected_signature_nodes_simd.h"
#include "sigtape/layers/signature/projected_signature_squares_simd.h"
#include "sigtape/layers/signature/projected_signature_stalks_simd.h"
#include "sigtape/layers/signature/projected_signature_table.h"

namespace sigtape::SIGTAPE_ISA_NAME {

template <int N>
struct Number {
  static constexpr int value = N;
};

/// Calls body(Number<count>) for count in 1 .. Most, at most 8.
template <int Most, class Body>
SIGTAPE_INLINE void with_count(int count, const Body& body) {
  const auto call = [&](auto n) {
    if constexpr (decltype(n)::value <= Most) body(n);
  };
  switch (count) {
    case 1:
      return call(Number<1>());
    case 2:
      return call(Number<2>());
    case 3:
      return call(Number<3>());
    case 4:
      return call(Number<4>());
    case 5:
      return call(Number<5>());
    case 6:
      return call(Number<6>());
    case 7:
      return call(Number<7>());
    case 8:
      return call(Number<8>());
    default:
      break;
  }
}

/// What the walk works in; arrays of numbers V, [..] of the whole item, and
/// what belongs to the block of time at hand.
template <class T, class V>
class ProjectionWalk {
 public:
  using Sizes = Together<V>;
  static constexpr int kMostLevels = 64;

  ProjectionWalk(const ProjectionShape& shape, const Projection& tree)
      : channels_(shape.channels), tree_(tree) {
    for (int r = 0; r <= shape.depth; ++r)
      inverse_[r] = T(1) / static_cast<T>(r ? r : 1);
  }

  V* state = nullptr;                 // [nodes]
  V* adjoint = nullptr;               // [nodes]
  V* kept = nullptr;                  // [inner] written by children(), or null
  const V* saved = nullptr;           // [inner] at the beginning of the block
  const V* after = nullptr;           // [inner] and after it
  const V* e = nullptr;               // [steps, d] increments
  V* de = nullptr;                    // [steps, d]
  std::int64_t steps = 0;             // of the block
  V* partials[kMostLevels + 1] = {};  // of a run of nodes of each level
  V* dpartials[kMostLevels + 1] = {};

  /// The nodes from `node` to `end`, of which the first are leaves; they are
  /// children of a node of `level`, whose partial sums stand at `parent`,
  /// `stride` for each step.
  void children(std::int64_t node, std::int64_t end, std::int64_t leaves,
                int level, const V* parent, std::int64_t stride) {
    for_leaves(node, leaves, [&](std::int64_t first, int count) {
      Letters<V> l;
      start(l);
      add_letters(l, 0, first, count);
      with_count<Sizes::kLeaves>(count, [&](auto m) {
        add_leaves<V, decltype(m)::value>(steps, stride, parent, l,
                                          state + first);
      });
    });
    for_siblings(node + leaves, end, [&](const Run& run) {
      switch (run.kind) {
        case Run::square:
          return square(run, parent, stride);
        case Run::bush:
          return bush(run, parent, stride);
        case Run::stalks:
          return stalks(run, parent, stride);
        case Run::twins:
        case Run::twigs:
          return twigs(run, parent, stride);
        case Run::nodes:
          return nodes(run, level + 1, parent, stride);
      }
    });
  }

  /// The derivative, from `saved`, `after` and `adjoint`, whose gradients after
  /// the block become those before it; adds to `de` and writes the gradients of
  /// the parent's partial sums. The tallest children come first, so that all
  /// these are written before anything is added to one.
  void children_adjoint(std::int64_t node, std::int64_t end,
                        std::int64_t leaves, int level, const V* parent,
                        Gradients<V>& above) {
    for_siblings(node + leaves, end, [&](const Run& run) {
      switch (run.kind) {
        case Run::square:
          square_adjoint(run, parent, above);
          break;
        case Run::bush:
          bush_adjoint(run, parent, above);
          break;
        case Run::stalks:
          stalks_adjoint(run, parent, above);
          break;
        case Run::twins:
        case Run::twigs:
          twigs_adjoint(run, parent, above);
          break;
        case Run::nodes:
          nodes_adjoint(run, level + 1, parent, above);
      }
      add_to(above);
    });
    for_leaves(node, leaves, [&](std::int64_t first, int count) {
      Letters<V> l;
      start(l);
      add_letters(l, 0, first, count);
      with_count<Sizes::kLeaves>(count, [&](auto m) {
        add_leaves_adjoint<V, decltype(m)::value>(steps, parent, above, l,
                                                  adjoint + first);
      });
      add_to(above);
    });
  }

 private:
  // What comes next is added to what has been written.
  static void add_to(Gradients<V>& g) {
    g.from = g.to;
    g.from_stride = g.stride;
  }

  static constexpr int kMostRun = 4;

  // Siblings of one height that run as one.
  struct Run {
    enum Kind { nodes, twins, twigs, stalks, bush, square };
    Kind kind;
    int count;
    int height;
    int leaves;  // of each twig; of a bush, its stalks
    std::int64_t node[kMostRun];
  };

  void start(Letters<V>& l) const {
    l.e = e;
    l.de = de;
    l.channels = channels_;
  }
  // From `at` on the letters of the nodes from `node` on.
  void add_letters(Letters<V>& l, int at, std::int64_t node, int count) const {
    each(count, [&](int k) { l.at[at + k] = tree_.nodes[node + k].letter; });
  }
  // The value of an inner node before the block, which is kept where asked for.
  V enter(std::int64_t node) const {
    const V s = state[node];
    if (kept) kept[tree_.nodes[node].inner] = s;
    return s;
  }

  // Calls body(m) for m < count, which is not 0.
  template <class Body>
  static SIGTAPE_INLINE void each(int count, const Body& body) {
    int m = 0;
    do {
      body(m);
    } while (++m < count);
  }
  // Written in place: copies of what has just been written in pieces are slow.
  void letters(const Run& run, Letters<V>& l) const {
    start(l);
    each(run.count, [&](int m) { l.at[m] = tree_.nodes[run.node[m]].letter; });
  }
  // And those of the leaves.
  void twig_letters(const Run& run, Letters<V>& l) const {
    letters(run, l);
    if (run.kind == Run::twins)
      return add_letters(l, run.count, run.node[0] + 1, run.leaves);
    each(run.count, [&](int m) {
      add_letters(l, run.count + m * run.leaves, run.node[m] + 1, run.leaves);
    });
  }
  void stalk_letters(const Run& run, Letters<V>& l) const {
    start(l);
    const int each_has = run.height + 1;
    each(run.count,
         [&](int m) { add_letters(l, m * each_has, run.node[m], each_has); });
  }

  // Calls body(first leaf, how many) for the leaves from `node` on, in runs of
  // about the same number.
  template <class Body>
  static void for_leaves(std::int64_t node, std::int64_t count,
                         const Body& body) {
    constexpr std::int64_t kMost = Sizes::kLeaves;
    while (count > 0) {
      const std::int64_t together = count > 2 * kMost ? kMost
                                    : count > kMost   ? (count + 1) / 2
                                                      : count;
      body(node, static_cast<int>(together));
      node += together;
      count -= together;
    }
  }

  // As what a node runs, and with how many of the siblings after it.
  static void set_kind(const WordNode& first, Run& run) {
    const int height = first.height, leaves = first.leaves;
    run.height = height;
    run.leaves = leaves;
    const auto is = [&](typename Run::Kind kind, int most, int alike) {
      run.kind = kind;
      run.count = alike < most ? alike : most;
    };
    if (first.square && first.square <= Sizes::kSquares)
      return is(Run::square, 1, 1);
    if (first.stalks && Sizes::kBushes) {
      run.leaves = first.stalks;
      return is(Run::bush, 1, 1);
    }
    if (first.single && height == 2 && Sizes::kStalks2)
      return is(Run::stalks, Sizes::kStalks2, first.singles);
    if (first.single && height == 3 && Sizes::kStalks3)
      return is(Run::stalks, Sizes::kStalks3, first.singles);
    if (height == 1 && leaves <= Sizes::kOwnLeaves && first.twins == 1)
      return is(Run::twigs, Sizes::kOwnTwigs, first.cousins);
    if (height == 1 && leaves <= Sizes::kTwigLeaves)
      return is(Run::twins, leaves <= 4 ? Sizes::kTile / 4 : Sizes::kTile / 8,
                first.twins);
    is(Run::nodes,
       height <= 2   ? Sizes::kNodes
       : height == 3 ? Sizes::kNodes3
                     : 1,
       first.peers);
  }

  template <class Body>
  void for_siblings(std::int64_t node, std::int64_t end, const Body& body) {
    while (node < end) {
      Run run;
      const WordNode& first = tree_.nodes[node];
      set_kind(first, run);
      // Twigs with as many leaves, and stalks, are as many nodes each.
      const std::int64_t size = first.end - node;
      const bool even = run.kind != Run::nodes;
      each(run.count, [&](int m) {
        run.node[m] = node;
        node = even ? node + size : tree_.nodes[node].end;
      });
      body(run);
    }
  }

  // Calls body(Number<height or 0>, Number<count>).
  template <class Body>
  static SIGTAPE_INLINE void with_shape(const Run& run, const Body& body) {
    with_count<Sizes::kNodes>(run.count, [&](auto m) {
      if (run.height == 1) return body(Number<1>(), m);
      if (run.height == 2) return body(Number<2>(), m);
      if constexpr (decltype(m)::value <= Sizes::kNodes3)
        if (run.height == 3) return body(Number<3>(), m);
      if constexpr (decltype(m)::value == 1) {
        if (run.height == 4) return body(Number<4>(), m);
        body(Number<0>(), m);
      }
    });
  }

  // Calls body(Number<nodes>, Number<leaves>, Number<leaves of their own>).
  template <class Body>
  static SIGTAPE_INLINE void with_twigs(const Run& run, const Body& body) {
    if (run.kind == Run::twigs)
      return with_count<Sizes::kOwnLeaves>(run.leaves, [&](auto k) {
        with_count<Sizes::kOwnTwigs>(
            run.count, [&](auto m) { body(m, k, Number<true>()); });
      });
    with_count<Sizes::kTwigLeaves>(run.leaves, [&](auto k) {
      constexpr int kLeaves = decltype(k)::value;
      with_count<kMostRun>(run.count, [&](auto m) {
        if constexpr (decltype(m)::value * kLeaves <= Sizes::kTile)
          body(m, Number<kLeaves>(), Number<false>());
      });
    });
  }

  // Calls body(Number<height>, Number<count>).
  template <class Body>
  static SIGTAPE_INLINE void with_stalks(const Run& run, const Body& body) {
    if (run.height == 2)
      return with_count<Sizes::kStalks2>(run.count,
                                         [&](auto m) { body(Number<2>(), m); });
    with_count<Sizes::kStalks3>(run.count,
                                [&](auto m) { body(Number<3>(), m); });
  }

  void nodes(const Run& run, int level, const V* parent, std::int64_t stride) {
    Letters<V> l;
    letters(run, l);
    V s[kMostRun];
    each(run.count, [&](int m) { s[m] = enter(run.node[m]); });
    const std::int64_t gap = steps * run.height;
    V* own = partials[level];
    with_shape(run, [&](auto h, auto m) {
      run_nodes<V, decltype(h)::value, decltype(m)::value>(
          steps, run.height, stride, parent, l, inverse_, s, own, gap);
    });
    each(run.count, [&](int m) {
      const WordNode& n = tree_.nodes[run.node[m]];
      state[run.node[m]] = s[m];
      children(run.node[m] + 1, n.end, n.leaves, level, own + m * gap,
               run.height);
    });
  }

  void nodes_adjoint(const Run& run, int level, const V* parent,
                     const Gradients<V>& above) {
    Letters<V> l;
    letters(run, l);
    const std::int64_t gap = steps * run.height;
    V *own = partials[level], *down = dpartials[level];
    V s[kMostRun], a[kMostRun];
    each(run.count, [&](int m) {
      s[m] = saved[tree_.nodes[run.node[m]].inner];
      a[m] = adjoint[run.node[m]];
    });
    with_shape(run, [&](auto h, auto m) {
      run_nodes<V, decltype(h)::value, decltype(m)::value>(
          steps, run.height, above.stride, parent, l, inverse_, s, own, gap);
    });
    each(run.count, [&](int m) {
      const WordNode& n = tree_.nodes[run.node[m]];
      Gradients<V> sums{down + m * gap, run.height, zeros_, 0};
      children_adjoint(run.node[m] + 1, n.end, n.leaves, level, own + m * gap,
                       sums);
    });
    with_shape(run, [&](auto h, auto m) {
      run_nodes_adjoint<V, decltype(h)::value, decltype(m)::value>(
          steps, run.height, parent, above, l, inverse_, a, down, gap);
    });
    each(run.count, [&](int m) { adjoint[run.node[m]] = a[m]; });
  }

  void twigs(const Run& run, const V* parent, std::int64_t stride) {
    Letters<V> l;
    twig_letters(run, l);
    V s[kMostRun];
    V* leaf[kMostRun];
    each(run.count, [&](int m) {
      s[m] = enter(run.node[m]);
      leaf[m] = state + run.node[m] + 1;
    });
    with_twigs(run, [&](auto m, auto k, auto own) {
      run_twigs<V, decltype(m)::value, decltype(k)::value,
                decltype(own)::value>(steps, stride, parent, l, s, leaf);
    });
    each(run.count, [&](int m) { state[run.node[m]] = s[m]; });
  }

  void twigs_adjoint(const Run& run, const V* parent,
                     const Gradients<V>& above) {
    Letters<V> l;
    twig_letters(run, l);
    V s[kMostRun], a[kMostRun];
    const V* dleaf[kMostRun];
    each(run.count, [&](int m) {
      s[m] = after[tree_.nodes[run.node[m]].inner];
      a[m] = adjoint[run.node[m]];
      dleaf[m] = adjoint + run.node[m] + 1;
    });
    with_twigs(run, [&](auto m, auto k, auto own) {
      run_twigs_adjoint<V, decltype(m)::value, decltype(k)::value,
                        decltype(own)::value>(steps, parent, above, l, a, dleaf,
                                              s);
    });
    each(run.count, [&](int m) { adjoint[run.node[m]] = a[m]; });
  }

  void stalks(const Run& run, const V* parent, std::int64_t stride) {
    Letters<V> l;
    stalk_letters(run, l);
    V* s[kMostRun];
    each(run.count, [&](int m) {
      s[m] = state + run.node[m];
      each(run.height, [&](int h) { enter(run.node[m] + h); });
    });
    with_stalks(run, [&](auto h, auto m) {
      run_stalks<V, decltype(h)::value, decltype(m)::value>(
          steps, stride, parent, l, inverse_, s);
    });
  }

  void stalks_adjoint(const Run& run, const V* parent,
                      const Gradients<V>& above) {
    Letters<V> l;
    stalk_letters(run, l);
    const V* s[kMostRun];
    V* a[kMostRun];
    each(run.count, [&](int m) {
      s[m] = after + tree_.nodes[run.node[m]].inner;
      a[m] = adjoint + run.node[m];
    });
    with_stalks(run, [&](auto h, auto m) {
      run_stalks_adjoint<V, decltype(h)::value, decltype(m)::value>(
          steps, parent, above, l, inverse_, a, s);
    });
  }

  // Calls body(Number<stalks>).
  template <class Body>
  static SIGTAPE_INLINE void with_bush(const Run& run, const Body& body) {
    with_count<Sizes::kBushes>(run.leaves, [&](auto m) {
      if constexpr (decltype(m)::value > 1) body(m);
    });
  }

  void bush(const Run& run, const V* parent, std::int64_t stride) {
    Letters<V> l;
    start(l);
    const std::int64_t node = run.node[0];
    add_letters(l, 0, node, 1 + 2 * run.leaves);
    if (kept) {
      V* to = kept + tree_.nodes[node].inner;
      to[0] = state[node];
      each(run.leaves, [&](int m) { to[1 + m] = state[node + 1 + 2 * m]; });
    }
    with_bush(run, [&](auto m) {
      run_bush<V, decltype(m)::value>(steps, stride, parent, l, inverse_,
                                      state + node);
    });
  }

  void bush_adjoint(const Run& run, const V* parent,
                    const Gradients<V>& above) {
    Letters<V> l;
    start(l);
    const std::int64_t node = run.node[0];
    add_letters(l, 0, node, 1 + 2 * run.leaves);
    with_bush(run, [&](auto m) {
      run_bush_adjoint<V, decltype(m)::value>(steps, parent, above, l, inverse_,
                                              adjoint + node,
                                              after + tree_.nodes[node].inner);
    });
  }

  // Calls body(Number<twins>, Number<own leaves>, Number<one more twig>).
  template <class Body>
  static SIGTAPE_INLINE void with_square(const WordNode& n, const Body& body) {
    with_count<Sizes::kSquares>(n.square, [&](auto d) {
      constexpr int kTwins = decltype(d)::value;
      if constexpr (kTwins > 1) {
        if (n.extra) return body(d, Number<0>(), Number<true>());
        if (n.leaves == 0) return body(d, Number<0>(), Number<false>());
        if (n.leaves == 1) return body(d, Number<1>(), Number<false>());
        body(d, Number<2>(), Number<false>());
      }
    });
  }

  void square_letters(std::int64_t node, Letters<V>& l) const {
    const WordNode& n = tree_.nodes[node];
    start(l);
    add_letters(l, 0, node, 1 + n.leaves);
    int at = 1 + n.leaves;
    std::int64_t next = node + at;
    if (n.extra) {
      l.at[at++] = tree_.nodes[next].letter;
      next = tree_.nodes[next].end;
    }
    add_letters(l, at, next + 1, n.square);
  }

  // Calls body(values) with what the nodes from n on have at `own`, the leaves
  // that the extra twig lacks included, as zeros.
  template <class Places, int D, bool Extra, class Body>
  static void with_whole_square(const WordNode& n, V* own, const Body& body) {
    if constexpr (Extra) {
      if (n.extra + 1 < 1 << D) {
        V values[Places::kNodes];
        const auto both = [&](const auto& move) {
          V *whole = values, *some = own;
          for (int i = 0; i < Places::kNodes; ++i, ++whole) {
            const int leaf = i - Places::kExtra - 1;
            const bool lacks = leaf >= 0 && leaf < D && !(n.extra >> leaf & 1);
            move(*whole, lacks ? nullptr : some++);
          }
        };
        both([](V& whole, const V* some) { whole = some ? *some : V{}; });
        body(values);
        both([](const V& whole, V* some) {
          if (some) *some = whole;
        });
        return;
      }
    }
    body(own);
  }

  void square(const Run& run, const V* parent, std::int64_t stride) {
    const std::int64_t node = run.node[0];
    const WordNode& n = tree_.nodes[node];
    if (kept) {
      V* to = kept + n.inner;
      *to++ = state[node];
      std::int64_t next = node + 1 + n.leaves;
      each(n.square + (n.extra != 0), [&](int) {
        *to++ = state[next];
        next = tree_.nodes[next].end;
      });
    }
    Letters<V> l;
    square_letters(node, l);
    with_square(n, [&](auto d, auto own, auto x) {
      constexpr int kTwins = decltype(d)::value, kOwn = decltype(own)::value;
      constexpr bool kExtra = decltype(x)::value;
      with_whole_square<SquarePlaces<kTwins, kOwn, kExtra>, kTwins, kExtra>(
          n, state + node, [&](V* s) {
            run_square<V, kTwins, kOwn, kExtra>(steps, stride, parent, l,
                                                inverse_[2], s);
          });
    });
  }

  void square_adjoint(const Run& run, const V* parent,
                      const Gradients<V>& above) {
    const std::int64_t node = run.node[0];
    const WordNode& n = tree_.nodes[node];
    Letters<V> l;
    square_letters(node, l);
    with_square(n, [&](auto d, auto own, auto x) {
      constexpr int kTwins = decltype(d)::value, kOwn = decltype(own)::value;
      constexpr bool kExtra = decltype(x)::value;
      with_whole_square<SquarePlaces<kTwins, kOwn, kExtra>, kTwins, kExtra>(
          n, adjoint + node, [&](V* a) {
            run_square_adjoint<V, kTwins, kOwn, kExtra>(
                steps, parent, above, l, inverse_[2], a, after + n.inner);
          });
    });
  }

  std::int64_t channels_;
  const Projection& tree_;
  T inverse_[kMostLevels + 1];
  V zeros_[kMostLevels + 1] = {};
};

}  // namespace sigtape::SIGTAPE_ISA_NAME
