// Signatures of chosen words, compiled for every instruction set: a path in
// each lane. The tree of prefixes is walked depth first, and every node runs
// the whole block of time before its children do: it reads its parent's
// partial sums P^k = V^k / (k - level), which stand in the first-level cache,
// and writes its own.

#include "sigtape/layers/signature/projected_signature_nodes_simd.h"
#include "sigtape/layers/signature/projected_signature_table.h"
#include "sigtape/layers/signature/signature_rows_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {
namespace {

using cpu::ProjectionPlan;
template <int N>
struct Number {
  static constexpr int value = N;
};

// Calls body(Number<count>) for count in 1 .. 8.
template <class Body>
SIGTAPE_INLINE void with_count(int count, const Body& body) {
  switch (count) {
    case 1:
      return body(Number<1>());
    case 2:
      return body(Number<2>());
    case 3:
      return body(Number<3>());
    case 4:
      return body(Number<4>());
#if SIGTAPE_VECTOR_BYTES == 64
    case 5:
      return body(Number<5>());
    case 6:
      return body(Number<6>());
    case 7:
      return body(Number<7>());
    case 8:
      return body(Number<8>());
#endif
    default:
      break;
  }
}

// Calls body(Number<height or 0>, Number<count>) for siblings of a height.
template <class Body>
SIGTAPE_INLINE void with_shape(int height, int count, const Body& body) {
  with_count(count, [&](auto m) {
    if constexpr (decltype(m)::value <= kMostNodes) {
      if (height == 1) return body(Number<1>(), m);
      if (height == 2) return body(Number<2>(), m);
    }
    if constexpr (decltype(m)::value == 1) {
      if (height == 3) return body(Number<3>(), m);
      if (height == 4) return body(Number<4>(), m);
      body(Number<0>(), m);
    }
  });
}

// Calls body(Number<nodes>, Number<leaves>) for a tile of twigs.
template <class Body>
SIGTAPE_INLINE void with_tile(int nodes, int leaves, const Body& body) {
  with_count(leaves, [&](auto k) {
    constexpr int kLeaves = decltype(k)::value;
    with_count(nodes, [&](auto m) {
      if constexpr (decltype(m)::value * kLeaves <= kTile &&
                    decltype(m)::value <= 4)
        body(m, k);
    });
  });
}

// How many twigs of `leaves` leaves run as one.
inline int twigs_together(std::int64_t leaves) {
  if (leaves > kMostTwigLeaves) return 0;
  return static_cast<int>(leaves <= 4 ? kTile / 4 : kTile / 8);
}

// One item: the arrays of its slot, and the walks.
template <class T>
class Item {
 public:
  Item(const ProjectionShape& shape, const ProjectionPlan& plan,
       const Projection& tree, const std::int64_t* lengths, Vec<T>* memory,
       std::int64_t item)
      : shape_(shape),
        plan_(plan),
        tree_(tree),
        lengths_(lengths),
        first_(item * lanes<T>()) {
    const std::int64_t points = shape.length * shape.channels;
    points_ = take(memory, points);
    increments_ = take(memory, points);
    gradients_ = take(memory, points);
    state_ = take(memory, shape.nodes);
    adjoint_ = take(memory, shape.nodes);
    words_ = take(memory, shape.words);
    const std::int64_t partials = plan.block * plan.sums;
    for (int level = 0; level <= depth(); ++level) {
      partials_[level] = take(memory, partials);
      dpartials_[level] = take(memory, partials);
    }
    for (int r = 0; r <= depth(); ++r)
      inverse_[r] = T(1) / static_cast<T>(r ? r : 1);
    for (std::int64_t t = 0; t < plan.block; ++t)
      for (int r = 0; r < depth(); ++r)
        partials_[0][t * depth() + r] = broadcast(T(1) / static_cast<T>(r + 1));
  }

  void forward(const T* path, T* out, Vec<T>* saved) {
    read_increments(path);
    __builtin_memset(state_, 0, shape_.nodes * sizeof(Vec<T>));
    for (std::int64_t b = 0; b < plan_.blocks; ++b) {
      if (saved) save(saved + b * shape_.inner);
      enter_block(b);
      children(0, shape_.nodes, shape_.root_leaves, 0, partials_[0],
               shape_.depth);
    }
    for (std::int64_t w = 0; w < shape_.words; ++w)
      words_[w] = state_[tree_.word[w]];
    T* rows[lanes<T>()];
    for (int i = 0; i < lanes<T>(); ++i)
      rows[i] = out + path_of(i) * shape_.words;
    to_rows<T>(words_, shape_.words, rows);
  }

  void backward(const T* path, const Vec<T>* saved, const T* dout, T* dpath) {
    read_increments(path);
    read_cotangents(dout);
    __builtin_memset(dpartials_[0], 0,
                     plan_.block * shape_.depth * sizeof(Vec<T>));
    __builtin_memset(gradients_, 0,
                     shape_.length * shape_.channels * sizeof(Vec<T>));
    for (std::int64_t b = plan_.blocks; b-- > 0;) {
      saved_ = saved + b * shape_.inner;
      enter_block(b);
      children_adjoint(0, shape_.nodes, shape_.root_leaves, 0, partials_[0],
                       dpartials_[0], shape_.depth);
    }
    write_gradients(dpath);
  }

 private:
  static Vec<T>* take(Vec<T>*& memory, std::int64_t count) {
    Vec<T>* begin = memory;
    memory += count;
    return begin;
  }
  int depth() const { return static_cast<int>(shape_.depth); }
  std::int64_t path_of(int lane) const {
    const std::int64_t b = first_ + lane;
    return b < shape_.batch ? b : shape_.batch - 1;
  }

  void enter_block(std::int64_t b) {
    const std::int64_t begin = b * plan_.block;
    const std::int64_t left = shape_.increments() - begin;
    steps_ = left < plan_.block ? left : plan_.block;
    e_ = increments_ + begin * shape_.channels;
    de_ = gradients_ + begin * shape_.channels;
  }

  void read_increments(const T* path) {
    const std::int64_t d = shape_.channels;
    const T* rows[lanes<T>()];
    for (int i = 0; i < lanes<T>(); ++i)
      rows[i] = path + path_of(i) * shape_.length * d;
    to_lanes<T>(rows, shape_.length * d, points_);
    for (std::int64_t k = 0; k < shape_.increments() * d; ++k)
      increments_[k] = points_[k + d] - points_[k];
    if (lengths_) clear_padding(increments_);
  }

  // Increments that no path has.
  void clear_padding(Vec<T>* increments) const {
    for (int i = 0; i < lanes<T>(); ++i)
      for (std::int64_t k = (lengths_[path_of(i)] - 1) * shape_.channels;
           k < shape_.increments() * shape_.channels; ++k)
        increments[k][i] = 0;
  }

  void read_cotangents(const T* dout) {
    const T* rows[lanes<T>()];
    for (int i = 0; i < lanes<T>(); ++i)
      rows[i] = dout + path_of(i) * shape_.words;
    to_lanes<T>(rows, shape_.words, words_);
    __builtin_memset(adjoint_, 0, shape_.nodes * sizeof(Vec<T>));
    for (std::int64_t w = 0; w < shape_.words; ++w)
      adjoint_[tree_.word[w]] += words_[w];
  }

  void write_gradients(T* dpath) {
    const std::int64_t d = shape_.channels, last = shape_.increments() * d;
    if (lengths_) clear_padding(gradients_);
    for (std::int64_t k = 0; k < d; ++k) {
      points_[k] = -gradients_[k];
      points_[last + k] = gradients_[last - d + k];
    }
    for (std::int64_t k = d; k < last; ++k)
      points_[k] = gradients_[k - d] - gradients_[k];
    T* rows[lanes<T>()];
    for (int i = 0; i < lanes<T>(); ++i)
      rows[i] = dpath + path_of(i) * shape_.length * d;
    to_rows<T>(points_, shape_.length * d, rows);
  }

  void save(Vec<T>* to) const {
    for (std::int64_t n = 0; n < shape_.nodes; ++n)
      if (tree_.nodes[n].inner >= 0) to[tree_.nodes[n].inner] = state_[n];
  }

  // Calls body(first leaf, how many) for the leaves from `node` on, in runs of
  // about the same number.
  template <class Body>
  static void for_leaves(std::int64_t node, std::int64_t count,
                         const Body& body) {
    while (count > 0) {
      const std::int64_t together = count > 2 * kMostLeaves ? kMostLeaves
                                    : count > kMostLeaves   ? (count + 1) / 2
                                                            : count;
      body(node, static_cast<int>(together));
      node += together;
      count -= together;
    }
  }

  // Calls body(nodes, how many, whether as twigs) for siblings of one height,
  // from `node` to `end`, that are to run as one.
  template <class Body>
  void for_siblings(std::int64_t node, std::int64_t end, const Body& body) {
    while (node < end) {
      std::int64_t run[4];
      const WordNode& first = tree_.nodes[node];
      const int twigs = first.height == 1 ? twigs_together(first.leaves) : 0;
      const int most = twigs ? twigs : first.height <= 2 ? kMostNodes : 1;
      int count = 0;
      do {
        run[count++] = node;
        node = tree_.nodes[node].end;
      } while (node < end && count < most &&
               (twigs ? tree_.nodes[node].like_previous != 0
                      : tree_.nodes[node].height == first.height));
      body(run, count, twigs > 0);
    }
  }

  // Increments, and their gradients, of the letters of some nodes.
  struct Letters {
    const Vec<T>* e[8];
    Vec<T>* de[8];
  };
  Letters letters(int count, const std::int64_t* nodes) const {
    Letters l;
    for (int m = 0; m < count; ++m) {
      const std::int64_t letter = tree_.nodes[nodes[m]].letter;
      l.e[m] = e_ + letter;
      l.de[m] = de_ + letter;
    }
    return l;
  }
  Letters leaf_letters(int count, std::int64_t first) const {
    std::int64_t nodes[8];
    for (int m = 0; m < count; ++m) nodes[m] = first + m;
    return letters(count, nodes);
  }

  // The nodes from `node` to `end`, of which the first are leaves; they are
  // children of a node of `level`, whose partial sums stand at `parent`,
  // `stride` for each step.
  void children(std::int64_t node, std::int64_t end, std::int64_t leaves,
                int level, const Vec<T>* parent, std::int64_t stride) {
    const std::int64_t d = shape_.channels;
    for_leaves(node, leaves, [&](std::int64_t first, int count) {
      const Letters l = leaf_letters(count, first);
      with_count(count, [&](auto m) {
        add_leaves<T, decltype(m)::value>(steps_, stride, parent, d, l.e,
                                          state_ + first);
      });
    });
    for_siblings(
        node + leaves, end,
        [&](const std::int64_t* run, int count, bool twigs) {
          if (twigs) return run_twig_tile(run, count, parent, stride);
          const int height = static_cast<int>(tree_.nodes[run[0]].height);
          const Letters l = letters(count, run);
          Vec<T> s[kMostNodes];
          for (int m = 0; m < count; ++m) s[m] = state_[run[m]];
          const std::int64_t gap = steps_ * height;
          Vec<T>* own = partials_[level + 1];
          with_shape(height, count, [&](auto h, auto m) {
            run_nodes<T, decltype(h)::value, decltype(m)::value>(
                steps_, height, stride, parent, d, l.e, inverse_, s, own, gap);
          });
          for (int m = 0; m < count; ++m) {
            const WordNode& n = tree_.nodes[run[m]];
            state_[run[m]] = s[m];
            children(run[m] + 1, n.end, n.leaves, level + 1, own + m * gap,
                     height);
          }
        });
  }

  void run_twig_tile(const std::int64_t* run, int count, const Vec<T>* parent,
                     std::int64_t stride) {
    const int leaves = static_cast<int>(tree_.nodes[run[0]].leaves);
    const Letters x = letters(count, run);
    const Letters e = leaf_letters(leaves, run[0] + 1);
    Vec<T> s[4];
    Vec<T>* leaf[4];
    for (int m = 0; m < count; ++m) {
      s[m] = state_[run[m]];
      leaf[m] = state_ + run[m] + 1;
    }
    with_tile(count, leaves, [&](auto m, auto k) {
      run_twigs<T, decltype(m)::value, decltype(k)::value>(
          steps_, stride, parent, shape_.channels, x.e, e.e, s, leaf);
    });
    for (int m = 0; m < count; ++m) state_[run[m]] = s[m];
  }

  void run_twig_tile_adjoint(const std::int64_t* run, int count,
                             const Vec<T>* parent, Vec<T>* dparent,
                             std::int64_t stride, Vec<T>* own) {
    const std::int64_t d = shape_.channels;
    const int leaves = static_cast<int>(tree_.nodes[run[0]].leaves);
    const Letters x = letters(count, run);
    const Letters e = leaf_letters(leaves, run[0] + 1);
    Vec<T> s[4], a[4];
    const Vec<T>* dleaf[4];
    for (int m = 0; m < count; ++m) {
      s[m] = saved_[tree_.nodes[run[m]].inner];
      a[m] = adjoint_[run[m]];
      dleaf[m] = adjoint_ + run[m] + 1;
    }
    with_tile(count, leaves, [&](auto m, auto k) {
      constexpr int kNodes = decltype(m)::value;
      run_nodes<T, 1, kNodes>(steps_, 1, stride, parent, d, x.e, inverse_, s,
                              own, steps_);
      run_twigs_adjoint<T, kNodes, decltype(k)::value>(
          steps_, stride, parent, dparent, d, x.e, x.de, e.e, e.de, a, dleaf,
          own, steps_);
    });
    for (int m = 0; m < count; ++m) adjoint_[run[m]] = a[m];
  }

  void children_adjoint(std::int64_t node, std::int64_t end,
                        std::int64_t leaves, int level, const Vec<T>* parent,
                        Vec<T>* dparent, std::int64_t stride) {
    const std::int64_t d = shape_.channels;
    for_leaves(node, leaves, [&](std::int64_t first, int count) {
      const Letters l = leaf_letters(count, first);
      with_count(count, [&](auto m) {
        add_leaves_adjoint<T, decltype(m)::value>(
            steps_, stride, parent, dparent, d, l.e, l.de, adjoint_ + first);
      });
    });
    for_siblings(
        node + leaves, end,
        [&](const std::int64_t* run, int count, bool twigs) {
          if (twigs)
            return run_twig_tile_adjoint(run, count, parent, dparent, stride,
                                         partials_[level + 1]);
          const int height = static_cast<int>(tree_.nodes[run[0]].height);
          const Letters l = letters(count, run);
          const std::int64_t gap = steps_ * height;
          Vec<T>* own = partials_[level + 1];
          Vec<T>* down = dpartials_[level + 1];
          Vec<T> s[kMostNodes], a[kMostNodes];
          for (int m = 0; m < count; ++m) {
            s[m] = saved_[tree_.nodes[run[m]].inner];
            a[m] = adjoint_[run[m]];
          }
          with_shape(height, count, [&](auto h, auto m) {
            run_nodes<T, decltype(h)::value, decltype(m)::value>(
                steps_, height, stride, parent, d, l.e, inverse_, s, own, gap);
          });
          __builtin_memset(down, 0, count * gap * sizeof(Vec<T>));
          for (int m = 0; m < count; ++m) {
            const WordNode& n = tree_.nodes[run[m]];
            children_adjoint(run[m] + 1, n.end, n.leaves, level + 1,
                             own + m * gap, down + m * gap, height);
          }
          with_shape(height, count, [&](auto h, auto m) {
            run_nodes_adjoint<T, decltype(h)::value, decltype(m)::value>(
                steps_, height, stride, parent, dparent, d, l.e, l.de, inverse_,
                a, down, gap);
          });
          for (int m = 0; m < count; ++m) adjoint_[run[m]] = a[m];
        });
  }

  static constexpr int kMostLevels = 64;
  const ProjectionShape& shape_;
  const ProjectionPlan& plan_;
  const Projection& tree_;
  const std::int64_t* lengths_;
  std::int64_t first_;
  std::int64_t steps_ = 0;
  Vec<T>*points_, *increments_, *gradients_, *state_, *adjoint_, *words_;
  const Vec<T>* e_ = nullptr;
  Vec<T>* de_ = nullptr;
  const Vec<T>* saved_ = nullptr;
  Vec<T>* partials_[kMostLevels + 1];
  Vec<T>* dpartials_[kMostLevels + 1];
  T inverse_[kMostLevels + 1];
};

template <class T>
void forward(const ProjectionShape& shape, const ProjectionPlan& plan,
             const Projection& tree, const T* path, const std::int64_t* lengths,
             T* out, void* saved, void* workspace, std::int64_t slot) {
  auto* memory = static_cast<Vec<T>*>(workspace) + slot * plan.slot_vectors;
  auto* kept = static_cast<Vec<T>*>(saved);
  for (std::int64_t i = slot; i < plan.items; i += ProjectionPlan::kSlots) {
    Item<T> item(shape, plan, tree, lengths, memory, i);
    item.forward(path, out, kept ? kept + i * plan.item_vectors : nullptr);
  }
}

template <class T>
void backward(const ProjectionShape& shape, const ProjectionPlan& plan,
              const Projection& tree, const T* path,
              const std::int64_t* lengths, const void* saved, const T* dout,
              T* dpath, void* workspace, std::int64_t slot) {
  auto* memory = static_cast<Vec<T>*>(workspace) + slot * plan.slot_vectors;
  const auto* kept = static_cast<const Vec<T>*>(saved);
  for (std::int64_t i = slot; i < plan.items; i += ProjectionPlan::kSlots) {
    Item<T> item(shape, plan, tree, lengths, memory, i);
    item.backward(path, kept + i * plan.item_vectors, dout, dpath);
  }
}

}  // namespace

const cpu::ProjectionTable<float> projection_float32 = {
    lanes<float>(), forward<float>, backward<float>};
const cpu::ProjectionTable<double> projection_float64 = {
    lanes<double>(), forward<double>, backward<double>};

}  // namespace sigtape::SIGTAPE_ISA_NAME
