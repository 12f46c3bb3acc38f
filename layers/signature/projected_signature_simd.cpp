// Signatures of chosen words, compiled for every instruction set: a path in
// each lane.

#include "sigtape/layers/signature/projected_signature_walk_simd.h"
#include "sigtape/layers/signature/signature_rows_simd.h"

namespace sigtape::SIGTAPE_ISA_NAME {
namespace {

using cpu::ProjectionPlan;

// Of which part of its numbers an array is read or written.
struct ValuePart {
  template <class V>
  SIGTAPE_INLINE V& operator()(V& v) const {
    return v;
  }
  template <class V>
  SIGTAPE_INLINE V& operator()(Dual<V>& v) const {
    return v.value;
  }
};
struct SlopePart {
  template <class V>
  SIGTAPE_INLINE V& operator()(Dual<V>& v) const {
    return v.slope;
  }
};

// One item: the arrays of its task, and its paths' way in and out.
template <class T, class V>
class Item {
 public:
  Item(const ProjectionShape& shape, const ProjectionPlan& plan,
       const Projection& tree, const std::int64_t* lengths, void* memory,
       std::int64_t item)
      : shape_(shape),
        plan_(plan),
        tree_(tree),
        lengths_(lengths),
        first_(item * lanes<T>()),
        numbers_(shape.length * shape.channels),
        walk_(shape, tree) {
    moved_ = static_cast<Vec<T>*>(memory);
    auto* next = reinterpret_cast<V*>(moved_ + plan.moved);
    increments_ = take(next, numbers_);
    gradients_ = take(next, numbers_);
    walk_.state = take(next, shape.nodes);
    walk_.adjoint = take(next, shape.nodes);
    const std::int64_t partials = plan.block * plan.sums;
    for (int level = 0; level <= shape.depth; ++level) {
      walk_.partials[level] = take(next, partials);
      walk_.dpartials[level] = take(next, partials);
    }
    own_saved_ = next;
    // Those above the first letters are the same at all times.
    __builtin_memset(walk_.partials[0], 0, shape.depth * sizeof(V));
    for (int r = 0; r < shape.depth; ++r)
      ValuePart()(walk_.partials[0][r]) =
          broadcast(T(1) / static_cast<T>(r + 1));
  }

  void forward(const T* path, T* out, V* saved) {
    read_increments(path, ValuePart());
    walk_forward(saved);
    write_words(out, ValuePart());
  }

  void backward(const T* path, const V* saved, const T* dout, T* dpath) {
    read_increments(path, ValuePart());
    walk_backward(saved, dout);
    write_gradients(dpath, ValuePart());
  }

  // The derivatives along `direction` of the words, to `slopes`, and of the
  // gradient, to dpath; either may be null.
  void second(const T* path, const T* direction, const T* dout, T* slopes,
              T* dpath) {
    read_increments(path, ValuePart());
    read_increments(direction, SlopePart());
    walk_forward(own_saved_);
    if (slopes) write_words(slopes, SlopePart());
    if (!dpath) return;
    walk_backward(own_saved_, dout);
    write_gradients(dpath, SlopePart());
  }

 private:
  static V* take(V*& memory, std::int64_t count) {
    V* begin = memory;
    memory += count;
    return begin;
  }
  std::int64_t path_of(int lane) const {
    const std::int64_t b = first_ + lane;
    return b < shape_.batch ? b : shape_.batch - 1;
  }

  // Where the lanes' paths stand in [batch, size].
  template <class U>
  void rows_of(U* array, std::int64_t size, U** rows) const {
    for (int i = 0; i < lanes<T>(); ++i) rows[i] = array + path_of(i) * size;
  }
  void read(const T* array, std::int64_t size) {
    const T* rows[lanes<T>()];
    rows_of(array, size, rows);
    to_lanes<T>(rows, size, moved_);
  }
  void write(T* array, std::int64_t size) const {
    T* rows[lanes<T>()];
    rows_of(array, size, rows);
    to_rows<T>(moved_, size, rows);
  }

  void enter_block(std::int64_t b) {
    const std::int64_t begin = b * plan_.block;
    const std::int64_t left = shape_.increments() - begin;
    walk_.steps = left < plan_.block ? left : plan_.block;
    walk_.e = increments_ + begin * shape_.channels;
    walk_.de = gradients_ + begin * shape_.channels;
  }

  void walk_forward(V* saved) {
    __builtin_memset(walk_.state, 0, shape_.nodes * sizeof(V));
    for (std::int64_t b = 0; b < plan_.blocks; ++b) {
      walk_.kept = saved ? saved + b * shape_.inner : nullptr;
      enter_block(b);
      walk_.children(0, shape_.nodes, shape_.root_leaves, 0, walk_.partials[0],
                     0);
    }
    if (saved) save(saved + plan_.blocks * shape_.inner);
  }

  void walk_backward(const V* saved, const T* dout) {
    read_cotangents(dout);
    __builtin_memset(walk_.dpartials[0], 0, shape_.depth * sizeof(V));
    __builtin_memset(gradients_, 0, numbers_ * sizeof(V));
    for (std::int64_t b = plan_.blocks; b-- > 0;) {
      walk_.saved = saved + b * shape_.inner;
      walk_.after = walk_.saved + shape_.inner;
      enter_block(b);
      Gradients<V> root{walk_.dpartials[0], 0, walk_.dpartials[0], 0};
      walk_.children_adjoint(0, shape_.nodes, shape_.root_leaves, 0,
                             walk_.partials[0], root);
    }
  }

  template <class Part>
  void read_increments(const T* path, Part part) {
    const std::int64_t d = shape_.channels, end = shape_.increments() * d;
    read(path, numbers_);
    if (shape_.inverse) reverse_points();
    if (lengths_) repeat_last();
    for (std::int64_t k = 0; k < end; ++k)
      part(increments_[k]) = moved_[k + d] - moved_[k];
  }

  // The true points of each path backwards.
  void reverse_points() {
    const std::int64_t d = shape_.channels;
    for (int i = 0; i < lanes<T>(); ++i) {
      const std::int64_t points =
          lengths_ ? lengths_[path_of(i)] : shape_.length;
      for (std::int64_t t = 0; t < points / 2; ++t)
        for (std::int64_t k = 0; k < d; ++k) {
          Vec<T>&a = moved_[t * d + k], &b = moved_[(points - 1 - t) * d + k];
          const T first = a[i];
          a[i] = b[i];
          b[i] = first;
        }
    }
  }

  // Of shorter paths, in place of the points that they do not have.
  void repeat_last() {
    for (int i = 0; i < lanes<T>(); ++i)
      for (std::int64_t k = lengths_[path_of(i)] * shape_.channels;
           k < numbers_; ++k)
        moved_[k][i] = moved_[k - shape_.channels][i];
  }

  void read_cotangents(const T* dout) {
    read(dout, shape_.words);
    __builtin_memset(walk_.adjoint, 0, shape_.nodes * sizeof(V));
    for (std::int64_t w = 0; w < shape_.words; ++w)
      ValuePart()(walk_.adjoint[tree_.word[w]]) += moved_[w];
  }

  template <class Part>
  void write_words(T* out, Part part) {
    for (std::int64_t w = 0; w < shape_.words; ++w)
      moved_[w] = part(walk_.state[tree_.word[w]]);
    write(out, shape_.words);
  }

  template <class Part>
  void write_gradients(T* dpath, Part part) {
    const std::int64_t d = shape_.channels, last = shape_.increments() * d;
    if (lengths_) clear_padding(part);
    for (std::int64_t k = 0; k < d; ++k) {
      moved_[k] = -part(gradients_[k]);
      moved_[last + k] = part(gradients_[last - d + k]);
    }
    for (std::int64_t k = d; k < last; ++k)
      moved_[k] = part(gradients_[k - d]) - part(gradients_[k]);
    if (shape_.inverse) reverse_points();
    write(dpath, numbers_);
  }

  // The gradients of increments that no path has.
  template <class Part>
  void clear_padding(Part part) const {
    for (int i = 0; i < lanes<T>(); ++i)
      for (std::int64_t k = (lengths_[path_of(i)] - 1) * shape_.channels;
           k < shape_.increments() * shape_.channels; ++k)
        part(gradients_[k])[i] = 0;
  }

  void save(V* to) const {
    for (std::int64_t n = 0; n < shape_.nodes; ++n)
      if (tree_.nodes[n].inner >= 0) to[tree_.nodes[n].inner] = walk_.state[n];
  }

  const ProjectionShape& shape_;
  const ProjectionPlan& plan_;
  const Projection& tree_;
  const std::int64_t* lengths_;
  std::int64_t first_, numbers_;
  ProjectionWalk<T, V> walk_;
  Vec<T>* moved_;
  V *increments_, *gradients_, *own_saved_;
};

// Calls body(item, its number) for the items of a task.
template <class T, class V, class Body>
void for_items(const ProjectionShape& shape, const ProjectionPlan& plan,
               const Projection& tree, const std::int64_t* lengths,
               void* memory, std::int64_t task, const Body& body) {
  for (std::int64_t i = task; i < plan.items; i += ProjectionPlan::kTasks) {
    Item<T, V> item(shape, plan, tree, lengths, memory, i);
    body(item, i);
  }
}

template <class T>
void forward(const ProjectionShape& shape, const ProjectionPlan& plan,
             const Projection& tree, const T* path, const std::int64_t* lengths,
             T* out, void* saved, void* memory, std::int64_t task) {
  auto* kept = static_cast<Vec<T>*>(saved);
  for_items<T, Vec<T>>(
      shape, plan, tree, lengths, memory, task, [&](auto& item, auto i) {
        item.forward(path, out, kept ? kept + i * plan.item_vectors : nullptr);
      });
}

template <class T>
void backward(const ProjectionShape& shape, const ProjectionPlan& plan,
              const Projection& tree, const T* path,
              const std::int64_t* lengths, const void* saved, const T* dout,
              T* dpath, void* memory, std::int64_t task) {
  const auto* kept = static_cast<const Vec<T>*>(saved);
  for_items<T, Vec<T>>(
      shape, plan, tree, lengths, memory, task, [&](auto& item, auto i) {
        item.backward(path, kept + i * plan.item_vectors, dout, dpath);
      });
}

template <class T>
void second(const ProjectionShape& shape, const ProjectionPlan& plan,
            const Projection& tree, const T* path, const T* direction,
            const std::int64_t* lengths, const T* dout, T* slopes, T* dpath,
            void* memory, std::int64_t task) {
  for_items<T, Dual<Vec<T>>>(
      shape, plan, tree, lengths, memory, task, [&](auto& item, auto) {
        item.second(path, direction, dout, slopes, dpath);
      });
}

}  // namespace

const cpu::ProjectionTable<float> projection_float32 = {
    lanes<float>(), forward<float>, backward<float>, second<float>};
const cpu::ProjectionTable<double> projection_float64 = {
    lanes<double>(), forward<double>, backward<double>, second<double>};

}  // namespace sigtape::SIGTAPE_ISA_NAME
