// Signatures of chosen words, compiled for every instruction set: a path in
// each lane. The tree of prefixes is walked depth first, and every node runs
// the whole block of time before its children do: it reads its parent's
// partial sums P^k = V^k / (k - level), which stand in the first-level cache,
// and writes its own.

#include "sigtape/layers/signature/projected_signature_table.h"
#include "sigtape/layers/signature/signature_rows_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {
namespace {

using cpu::ProjectionPlan;
constexpr int kMostTogether = 4;  // leaves that run as one

template <class T>
using Partials = Vec<T>*;

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

// A node of height H >= 1 (0: known at run time only) over a block: its value
// and its partial sums. `parent` has `stride` of them, this node `height`.
template <class T, int H>
SIGTAPE_KERNEL Vec<T> run_node(std::int64_t steps, int height,
                               std::int64_t stride, const Vec<T>* parent,
                               std::int64_t channels, const Vec<T>* e,
                               const T* inverse, Vec<T> s, Vec<T>* own) {
  const int top = H ? H : height;
  for (std::int64_t t = 0; t < steps; ++t) {
    const Vec<T> x = in_register(e[t * channels]);
    SIGTAPE_UNROLL
    for (int r = 1; r <= top; ++r)
      own[r - 1] = (s + parent[r] * x) * inverse[r];
    s += parent[0] * x;
    parent += stride;
    own += top;
  }
  return s;
}

// The derivative of that, backward in time: `a` is the gradient of the node's
// value after the block, the result that before it; `down` holds the gradients
// of its own partial sums.
template <class T, int H>
SIGTAPE_KERNEL Vec<T> run_node_adjoint(std::int64_t steps, int height,
                                       std::int64_t stride,
                                       const Vec<T>* parent, Vec<T>* dparent,
                                       std::int64_t channels, const Vec<T>* e,
                                       Vec<T>* de, const T* inverse, Vec<T> a,
                                       const Vec<T>* down) {
  const int top = H ? H : height;
  for (std::int64_t t = steps; t-- > 0;) {
    const Vec<T> x = in_register(e[t * channels]);
    const Vec<T>* p = parent + t * stride;
    Vec<T>* dp = dparent + t * stride;
    const Vec<T>* d = down + t * top;
    Vec<T> dx = a * p[0], sum = {};
    dp[0] += a * x;
    SIGTAPE_UNROLL
    for (int r = 1; r <= top; ++r) {
      const Vec<T> v = d[r - 1] * inverse[r];
      dx += v * p[r];
      dp[r] += v * x;
      sum += v;
    }
    de[t * channels] += dx;
    a += sum;
  }
  return a;
}

template <class T>
Vec<T> run_node(std::int64_t steps, int height, std::int64_t stride,
                const Vec<T>* parent, std::int64_t channels, const Vec<T>* e,
                const T* inverse, Vec<T> s, Vec<T>* own) {
  switch (height) {
#define SIGTAPE_CASE(H)                                                      \
  case H:                                                                    \
    return run_node<T, H>(steps, H, stride, parent, channels, e, inverse, s, \
                          own);
    SIGTAPE_CASE(1)
    SIGTAPE_CASE(2)
    SIGTAPE_CASE(3)
    SIGTAPE_CASE(4)
#undef SIGTAPE_CASE
    default:
      return run_node<T, 0>(steps, height, stride, parent, channels, e, inverse,
                            s, own);
  }
}

template <class T>
Vec<T> run_node_adjoint(std::int64_t steps, int height, std::int64_t stride,
                        const Vec<T>* parent, Vec<T>* dparent,
                        std::int64_t channels, const Vec<T>* e, Vec<T>* de,
                        const T* inverse, Vec<T> a, const Vec<T>* down) {
  switch (height) {
#define SIGTAPE_CASE(H)                                                        \
  case H:                                                                      \
    return run_node_adjoint<T, H>(steps, H, stride, parent, dparent, channels, \
                                  e, de, inverse, a, down);
    SIGTAPE_CASE(1)
    SIGTAPE_CASE(2)
    SIGTAPE_CASE(3)
    SIGTAPE_CASE(4)
#undef SIGTAPE_CASE
    default:
      return run_node_adjoint<T, 0>(steps, height, stride, parent, dparent,
                                    channels, e, de, inverse, a, down);
  }
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
    const std::int64_t partials = plan.block * (shape.depth + 1);
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
      children(0, shape_.nodes, shape_.root_leaves, 0, shape_.depth);
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
      children_adjoint(0, shape_.nodes, shape_.root_leaves, 0, shape_.depth);
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

  // Calls body(first leaf, how many) for the leaves from `node` on.
  template <class Body>
  static void for_leaves(std::int64_t node, std::int64_t count,
                         const Body& body) {
    for (; count > 0; node += kMostTogether, count -= kMostTogether)
      body(node,
           static_cast<int>(count < kMostTogether ? count : kMostTogether));
  }

  // The nodes from `node` to `end`, of which the first are leaves; they are
  // children of a node of `level` with `stride` partial sums.
  void children(std::int64_t node, std::int64_t end, std::int64_t leaves,
                int level, std::int64_t stride) {
    const std::int64_t d = shape_.channels;
    const Vec<T>* parent = partials_[level];
    for_leaves(node, leaves, [&](std::int64_t first, int count) {
      const Vec<T>* e[kMostTogether];
      for (int m = 0; m < count; ++m) e[m] = e_ + tree_.nodes[first + m].letter;
      Vec<T>* s = state_ + first;
      if (count == 1) return add_leaves<T, 1>(steps_, stride, parent, d, e, s);
      if (count == 2) return add_leaves<T, 2>(steps_, stride, parent, d, e, s);
      if (count == 3) return add_leaves<T, 3>(steps_, stride, parent, d, e, s);
      add_leaves<T, 4>(steps_, stride, parent, d, e, s);
    });
    for (node += leaves; node < end; node = tree_.nodes[node].end) {
      const WordNode& n = tree_.nodes[node];
      state_[node] = run_node<T>(steps_, static_cast<int>(n.height), stride,
                                 parent, d, e_ + n.letter, inverse_,
                                 state_[node], partials_[level + 1]);
      children(node + 1, n.end, n.leaves, level + 1, n.height);
    }
  }

  void children_adjoint(std::int64_t node, std::int64_t end,
                        std::int64_t leaves, int level, std::int64_t stride) {
    const std::int64_t d = shape_.channels;
    const Vec<T>* parent = partials_[level];
    Vec<T>* dparent = dpartials_[level];
    for_leaves(node, leaves, [&](std::int64_t first, int count) {
      const Vec<T>* e[kMostTogether];
      Vec<T>* de[kMostTogether];
      for (int m = 0; m < count; ++m) {
        e[m] = e_ + tree_.nodes[first + m].letter;
        de[m] = de_ + tree_.nodes[first + m].letter;
      }
      const Vec<T>* a = adjoint_ + first;
      if (count == 1)
        return add_leaves_adjoint<T, 1>(steps_, stride, parent, dparent, d, e,
                                        de, a);
      if (count == 2)
        return add_leaves_adjoint<T, 2>(steps_, stride, parent, dparent, d, e,
                                        de, a);
      if (count == 3)
        return add_leaves_adjoint<T, 3>(steps_, stride, parent, dparent, d, e,
                                        de, a);
      add_leaves_adjoint<T, 4>(steps_, stride, parent, dparent, d, e, de, a);
    });
    for (node += leaves; node < end; node = tree_.nodes[node].end) {
      const WordNode& n = tree_.nodes[node];
      const int height = static_cast<int>(n.height);
      run_node<T>(steps_, height, stride, parent, d, e_ + n.letter, inverse_,
                  saved_[n.inner], partials_[level + 1]);
      __builtin_memset(dpartials_[level + 1], 0,
                       steps_ * n.height * sizeof(Vec<T>));
      children_adjoint(node + 1, n.end, n.leaves, level + 1, n.height);
      adjoint_[node] = run_node_adjoint<T>(
          steps_, height, stride, parent, dparent, d, e_ + n.letter,
          de_ + n.letter, inverse_, adjoint_[node], dpartials_[level + 1]);
    }
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
