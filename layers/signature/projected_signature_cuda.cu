// A block of threads for each path and child of the root: the nodes below it
// are walked level by level over a few increments at a time, a thread for each
// node. What a node makes of them stands in memory for its children, and
// backward for its parent, which gathers what its children hand up.
#include "sigtape/framework/cuda/scratch.h"
#include "sigtape/framework/divide_up.h"
#include "sigtape/layers/signature/dual_cuda.h"
#include "sigtape/layers/signature/projected_signature_kernels.h"

namespace sigtape {

namespace {

using cuda::Dual;

constexpr int kThreads = 128;
constexpr std::int64_t kSteps = 16;  // increments at a time

__host__ __device__ std::int64_t steps_of(const ProjectionShape& s) {
  return s.length - 1;
}

std::int64_t times_of(const ProjectionShape& s) {
  return divide_up(steps_of(s), kSteps);
}

// Increment t of a path: backwards where the shape says so, 0 beyond its end.
template <class V>
struct TakeIncrements {
  ProjectionShape s;
  const V* path;
  const std::int64_t* lengths;
  V* increments;  // [B, T, d]

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t d = s.channels, steps = steps_of(s);
    const std::int64_t b = item / d / steps, t = item / d % steps;
    const std::int64_t last = (lengths ? lengths[b] : s.length) - 1;
    if (t >= last) {
      increments[item] = V(0);
      return;
    }
    const V* point = path + b * s.length * d + item % d;
    const std::int64_t from = s.inverse ? last - t : t;
    const std::int64_t to = s.inverse ? from - 1 : from + 1;
    increments[item] = point[to * d] - point[from * d];
  }
};

// Gradients of points from those of increments, [B, parts, T, d].
template <class V>
struct GivePoints {
  ProjectionShape s;
  const V* dincrements;
  const std::int64_t* lengths;
  V* dpath;

  __device__ V increment(std::int64_t b, std::int64_t t, std::int64_t j) const {
    const std::int64_t d = s.channels, steps = steps_of(s);
    V sum = 0;
    for (std::int64_t p = 0; p < s.parts; ++p)
      sum += dincrements[((b * s.parts + p) * steps + t) * d + j];
    return sum;
  }
  __device__ void operator()(std::int64_t item) const {
    const std::int64_t d = s.channels;
    const std::int64_t b = item / d / s.length, j = item % d;
    const std::int64_t last = (lengths ? lengths[b] : s.length) - 1;
    const std::int64_t row = item / d % s.length;
    V sum = 0;
    if (row <= last) {
      const std::int64_t t = s.inverse ? last - row : row;
      if (t > 0) sum += increment(b, t - 1, j);
      if (t < last) sum -= increment(b, t, j);
    }
    dpath[item] = sum;
  }
};

// Arrays of a call.
template <class V>
struct Memory {
  ProjectionShape s;
  Projection tree;
  std::int64_t times = 0;         // pieces of kSteps increments
  const V* increments = nullptr;  // [B, T, d]
  V* values = nullptr;            // [B, nodes]
  // [B, times, inner] at the beginning of each: written forward, if not null,
  // and read again.
  V* saved = nullptr;
  const V* kept = nullptr;
  V* sums = nullptr;  // [B, kSteps, sums]
  // Backward: the gradients of the nodes' values; of a node's sum and of its
  // partial sums, before they are multiplied by its increment; and of that.
  V* adjoint = nullptr;      // [B, nodes]
  V* shares = nullptr;       // [B, kSteps, sums + inner]
  V* letters = nullptr;      // [B, kSteps, inner]
  V* dincrements = nullptr;  // [B, parts, T, d]
};

// What a block works on.
template <class V>
class Part {
 public:
  __device__ explicit Part(const Memory<V>& memory)
      : m_(memory),
        b_(blockIdx.x / memory.s.parts),
        part_(blockIdx.x % memory.s.parts) {}

  // Goes on from `values` over the increments of piece `time`. Again: from what
  // was saved, without the leaves, only for the partial sums.
  template <bool Again>
  __device__ void forward(std::int64_t time) {
    enter(time);
    for (std::int64_t level = 0; level < m_.s.depth; ++level) {
      for_nodes(level, [&](std::int64_t node) {
        if (!Again || m_.tree.nodes[node].height > 0) walk<Again>(node);
      });
      __syncthreads();
    }
  }

  // Back over the increments of piece `time`, from the partial sums.
  __device__ void backward(std::int64_t time) {
    forward<true>(time);
    for (std::int64_t level = m_.s.depth; level-- > 0;) {
      for_nodes(level, [&](std::int64_t node) {
        if (m_.tree.nodes[node].height > 0) walk_back(node);
      });
      __syncthreads();
    }
    const std::int64_t d = m_.s.channels;
    for (std::int64_t i = threadIdx.x; i < steps_ * d; i += blockDim.x)
      m_.dincrements[((b_ * m_.s.parts + part_) * steps_of(m_.s) + first_) * d +
                     i] = letter_gradient(i / d, i % d);
    __syncthreads();
  }

 private:
  __device__ void enter(std::int64_t time) {
    time_ = time;
    first_ = time * kSteps;
    steps_ = min(kSteps, steps_of(m_.s) - first_);
  }

  template <class Body>
  __device__ void for_nodes(std::int64_t level, const Body& body) const {
    const std::int64_t* begin =
        m_.tree.level_begin + part_ * m_.s.depth + level;
    for (std::int64_t i = begin[0] + threadIdx.x; i < begin[1]; i += blockDim.x)
      body(m_.tree.by_level[i]);
  }

  // Partial sums and shares of a node in a step.
  __device__ V* sums(std::int64_t node, std::int64_t t) const {
    return m_.sums + (b_ * kSteps + t) * m_.s.sums + m_.tree.places[node].sums;
  }
  __device__ V* shares(std::int64_t node, std::int64_t t) const {
    return m_.shares + (b_ * kSteps + t) * (m_.s.sums + m_.s.inner) +
           m_.tree.places[node].sums + m_.tree.nodes[node].inner;
  }
  // The partial sum r above a node.
  __device__ V above(std::int64_t node, std::int64_t t, std::int64_t r) const {
    const std::int64_t parent = m_.tree.places[node].parent;
    return parent < 0 ? V(1) / V(r + 1) : sums(parent, t)[r];
  }
  __device__ V increment(std::int64_t t, std::int64_t letter) const {
    return m_.increments[(b_ * steps_of(m_.s) + first_ + t) * m_.s.channels +
                         letter];
  }

  template <bool Again>
  __device__ void walk(std::int64_t node) const {
    const WordNode& n = m_.tree.nodes[node];
    const std::int64_t place = (b_ * m_.times + time_) * m_.s.inner + n.inner;
    V s = Again ? m_.kept[place] : m_.values[b_ * m_.s.nodes + node];
    if (!Again && m_.saved && n.height > 0) m_.saved[place] = s;
    for (std::int64_t t = 0; t < steps_; ++t) {
      const V x = increment(t, n.letter);
      if (n.height > 0) {
        V* own = sums(node, t);
        for (std::int64_t r = 1; r <= n.height; ++r)
          own[r - 1] = (s + above(node, t, r) * x) * (V(1) / V(r));
      }
      s += above(node, t, 0) * x;
    }
    if (!Again) m_.values[b_ * m_.s.nodes + node] = s;
  }

  // Gradient of the partial sum r of a node.
  __device__ V gathered(std::int64_t node, std::int64_t t,
                        std::int64_t r) const {
    const WordNode* nodes = m_.tree.nodes;
    V sum = 0;
    for (std::int64_t c = node + 1; c < nodes[node].end; c = nodes[c].end) {
      if (r > nodes[c].height) continue;
      const V share = nodes[c].height > 0 ? shares(c, t)[r]
                                          : m_.adjoint[b_ * m_.s.nodes + c];
      sum += share * increment(t, nodes[c].letter);
    }
    return sum;
  }

  __device__ void walk_back(std::int64_t node) const {
    const WordNode& n = m_.tree.nodes[node];
    V a = m_.adjoint[b_ * m_.s.nodes + node];
    for (std::int64_t t = steps_; t-- > 0;) {
      V* own = shares(node, t);
      own[0] = a;
      V dx = a * above(node, t, 0);
      for (std::int64_t r = 1; r <= n.height; ++r) {
        const V v = gathered(node, t, r - 1) * (V(1) / V(r));
        own[r] = v;
        a += v;
        dx += v * above(node, t, r);
      }
      m_.letters[(b_ * kSteps + t) * m_.s.inner + n.inner] = dx;
    }
    m_.adjoint[b_ * m_.s.nodes + node] = a;
  }

  // Of one channel's increment in step t.
  __device__ V letter_gradient(std::int64_t t, std::int64_t letter) const {
    const std::int64_t* begin =
        m_.tree.letter_begin + part_ * m_.s.channels + letter;
    V sum = 0;
    for (std::int64_t i = begin[0]; i < begin[1]; ++i) {
      const std::int64_t node = m_.tree.by_letter[i];
      const WordNode& n = m_.tree.nodes[node];
      sum += n.height > 0
                 ? m_.letters[(b_ * kSteps + t) * m_.s.inner + n.inner]
                 : m_.adjoint[b_ * m_.s.nodes + node] * above(node, t, 0);
    }
    return sum;
  }

  const Memory<V>& m_;
  std::int64_t b_, part_;
  std::int64_t time_ = 0, first_ = 0, steps_ = 0;
};

template <class V>
__global__ void __launch_bounds__(kThreads, 1)
    projected_forward_kernel(const Memory<V> memory) {
  Part<V> part(memory);
  for (std::int64_t time = 0; time < memory.times; ++time)
    part.template forward<false>(time);
}

template <class V>
__global__ void __launch_bounds__(kThreads, 1)
    projected_backward_kernel(const Memory<V> memory) {
  Part<V> part(memory);
  for (std::int64_t time = memory.times; time-- > 0;) part.backward(time);
}

template <class V>
struct SetZero {
  V* values;
  __device__ void operator()(std::int64_t i) const { values[i] = V(0); }
};

template <class V>
struct TakeWords {
  ProjectionShape s;
  Projection tree;
  const V* values;
  V* out;
  __device__ void operator()(std::int64_t i) const {
    out[i] = values[i / s.words * s.nodes + tree.word[i % s.words]];
  }
};

// The sum of the cotangents of a node's words.
template <class V>
struct GiveWords {
  ProjectionShape s;
  Projection tree;
  const V* dout;
  V* adjoint;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t* begin = tree.node_begin + i % s.nodes;
    V sum = 0;
    for (std::int64_t k = begin[0]; k < begin[1]; ++k)
      sum += dout[i / s.nodes * s.words + tree.by_node[k]];
    adjoint[i] = sum;
  }
};

template <class V>
class Call {
 public:
  Call(Cuda device, const ProjectionShape& s, const Projection& tree,
       const V* path, const std::int64_t* lengths)
      : device_(device),
        lengths_(lengths),
        increments_(s.batch * steps_of(s) * s.channels, device.device),
        sums_(s.batch * kSteps * s.sums, device.device) {
    cuda::for_each(device, s.batch * steps_of(s) * s.channels,
                   TakeIncrements<V>{s, path, lengths, increments_.data()});
    memory_ = {.s = s,
               .tree = tree,
               .times = times_of(s),
               .increments = increments_.data(),
               .sums = sums_.data()};
  }

  void forward(V* out, V* saved) {
    const ProjectionShape& s = memory_.s;
    const cuda::Scratch<V> values(s.batch * s.nodes, device_.device);
    memory_.values = values.data();
    memory_.saved = saved;
    cuda::for_each(device_, s.batch * s.nodes, SetZero<V>{memory_.values});
    run(projected_forward_kernel<V>);
    cuda::for_each(device_, s.batch * s.words,
                   TakeWords<V>{s, memory_.tree, memory_.values, out});
  }

  void backward(const V* saved, const V* dout, V* dpath) {
    const ProjectionShape& s = memory_.s;
    const int d = device_.device;
    const cuda::Scratch<V> adjoint(s.batch * s.nodes, d),
        shares(s.batch * kSteps * (s.sums + s.inner), d),
        letters(s.batch * kSteps * s.inner, d),
        dincrements(s.batch * s.parts * steps_of(s) * s.channels, d);
    memory_.kept = saved;
    memory_.adjoint = adjoint.data();
    memory_.shares = shares.data();
    memory_.letters = letters.data();
    memory_.dincrements = dincrements.data();
    cuda::for_each(device_, s.batch * s.nodes,
                   GiveWords<V>{s, memory_.tree, dout, memory_.adjoint});
    run(projected_backward_kernel<V>);
    cuda::for_each(device_, s.batch * s.length * s.channels,
                   GivePoints<V>{s, memory_.dincrements, lengths_, dpath});
  }

 private:
  void run(void (*kernel)(const Memory<V>)) const {
    cuda::launch(kernel,
                 static_cast<unsigned>(memory_.s.batch * memory_.s.parts),
                 kThreads, 0, cuda::stream(device_), memory_);
  }

  Cuda device_;
  const std::int64_t* lengths_;
  cuda::Scratch<V> increments_, sums_;
  Memory<V> memory_ = {};
};

}  // namespace

template <class T>
std::size_t projected_saved_bytes(Cuda, const ProjectionShape& s) {
  return static_cast<std::size_t>(s.batch * times_of(s) * s.inner) * sizeof(T);
}

template <class T>
void projected_forward(Cuda device, const ProjectionShape& shape,
                       const Projection& tree, const T* path,
                       const std::int64_t* lengths, T* out, void* saved,
                       void*) {
  Call<T>(device, shape, tree, path, lengths)
      .forward(out, static_cast<T*>(saved));
}

template <class T>
void projected_backward(Cuda device, const ProjectionShape& shape,
                        const Projection& tree, const T* path,
                        const std::int64_t* lengths, const void* saved,
                        const T* dout, T* dpath, void*) {
  Call<T>(device, shape, tree, path, lengths)
      .backward(static_cast<const T*>(saved), dout, dpath);
}

template <class T>
void projected_second(Cuda device, const ProjectionShape& s,
                      const Projection& tree, const T* path, const T* direction,
                      const std::int64_t* lengths, const T* dout, T* slopes,
                      T* dpath, void*) {
  const std::int64_t points = s.batch * s.length * s.channels;
  const std::int64_t words = s.batch * s.words;
  const cuda::Scratch<Dual<T>> along(points, device.device),
      rows(words, device.device),
      saved(s.batch * times_of(s) * s.inner, device.device);
  cuda::join_duals(device, points, path, direction, along.data());
  Call<Dual<T>> call(device, s, tree, along.data(), lengths);
  call.forward(rows.data(), saved.data());
  cuda::take_slopes(device, words, rows.data(), slopes);
  if (!dpath) return;
  cuda::join_duals<T>(device, words, dout, nullptr, rows.data());
  call.backward(saved.data(), rows.data(), along.data());
  cuda::take_slopes(device, points, along.data(), dpath);
}

#define INSTANTIATE(T)                                                         \
  template std::size_t projected_saved_bytes<T>(Cuda, const ProjectionShape&); \
  template void projected_forward(Cuda, const ProjectionShape&,                \
                                  const Projection&, const T*,                 \
                                  const std::int64_t*, T*, void*, void*);      \
  template void projected_backward(                                            \
      Cuda, const ProjectionShape&, const Projection&, const T*,               \
      const std::int64_t*, const void*, const T*, T*, void*);                  \
  template void projected_second(                                              \
      Cuda, const ProjectionShape&, const Projection&, const T*, const T*,     \
      const std::int64_t*, const T*, T*, T*, void*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace sigtape
