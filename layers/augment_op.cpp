#include "sigtape/layers/augment_op.h"

#include <array>
#include <span>
#include <utility>

#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/masks.h"
#include "sigtape/framework/ops/optional.h"
#include "sigtape/framework/ops/reading.h"
#include "sigtape/framework/ops/stream_net_kernels.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

constexpr int most = StreamNetShape::max_layers;

StreamNetShape shape_of(const Shape& x, TensorList weights,
                        const AugmentStreamOptions& o) {
  StreamNetShape s;
  s.batch = x[0];
  s.length = x[1];
  s.in = x[2];
  s.kernel = o.kernel_size;
  s.layers = static_cast<int>(weights.size());
  for (int i = 0; i < s.layers; ++i) s.sizes[i] = weights[i].size(0);
  s.relu = o.activation == Activation::relu;
  s.relu_first = s.relu && o.activate_first;
  s.original = o.include_original;
  s.time = o.include_time;
  return s;
}

// The parameters of a call, contiguous.
struct Parameters {
  std::array<Tensor, most> weights, biases;

  template <class T>
  StreamNetWeights<T> pointers(int layers) const {
    StreamNetWeights<T> w;
    for (int i = 0; i < layers; ++i) {
      w.weight[i] = weights[i].template data<T>();
      if (biases[i].defined()) w.bias[i] = biases[i].template data<T>();
    }
    return w;
  }
};

// The streams as the kernels read them: on the CPU where they stand, else as an
// array.
template <class T>
RowRuns<T> streams(Cpu, const Tensor& x) {
  return row_runs<T>(alias(x, {x.size(0) * x.size(1), x.size(2)},
                           {x.size(2), 1}, x.impl()->offset),
                     x.size(1));
}
template <class T>
const T* streams(Cuda, const Tensor& x) {
  return x.data<T>();
}

// Hidden layers that forward keeps for backward, on a CPU; undefined where
// backward had better compute them again.
Tensor kept_layers(const StreamNetShape& s, const Tensor& x) {
  if (!x.device().is_cpu()) return {};
  const std::int64_t count = x.dtype() == DType::float32
                                 ? stream_net_kept<float>(Cpu{}, s)
                                 : stream_net_kept<double>(Cpu{}, s);
  return count ? empty({count}, {x.dtype(), {}}) : Tensor();
}

// The pass over the streams of x, on either device.
template <class T>
void forward(Cpu, const StreamNetShape& s, const StreamNetWeights<T>& w,
             const Tensor& x, const std::int64_t* points, T* y, Tensor& kept) {
  stream_net_forward(Cpu{}, s, w, streams<T>(Cpu{}, x), points, y,
                     kept.defined() ? kept.mutable_data<T>() : nullptr);
}
template <class T>
void forward(Cuda device, const StreamNetShape& s, const StreamNetWeights<T>& w,
             const Tensor& x, const std::int64_t* points, T* y, Tensor&) {
  stream_net_forward(device, s, w, streams<T>(device, x), points, y);
}
template <class T>
void backward(Cpu, const StreamNetShape& s, const StreamNetWeights<T>& w,
              const Tensor& x, const T* dy, const Tensor& kept,
              const StreamNetGradients<T>& to) {
  // Another instruction set may have kept them in another order.
  const bool fits =
      kept.defined() && kept.numel() == stream_net_kept<T>(Cpu{}, s);
  stream_net_backward(Cpu{}, s, w, streams<T>(Cpu{}, x), dy,
                      fits ? kept.data<T>() : nullptr, to);
}
template <class T>
void backward(Cuda device, const StreamNetShape& s,
              const StreamNetWeights<T>& w, const Tensor& x, const T* dy,
              const Tensor&, const StreamNetGradients<T>& to) {
  stream_net_backward(device, s, w, streams<T>(device, x), dy, to);
}

// ---- What a call saves: x, then weight and bias of each layer, in the order
// of its inputs, and the hidden layers that are kept.

struct Rule {
  StreamNetShape shape;

  void operator()(Backward& back) const {
    if (grad_enabled()) return recorded(back);
    const Tensor x = dense_rows(back.saved(0)), dy = dense(back.grad());
    Parameters p;
    std::array<Tensor, 1 + 2 * most> gradients;
    for (int i = 0; i < 1 + 2 * shape.layers; ++i) {
      const Tensor saved = i == 0 ? x : dense(back.saved(i));
      if (i > 0) (i % 2 ? p.weights : p.biases)[(i - 1) / 2] = saved;
      if (back.needs(i)) gradients[i] = empty_like(saved);
    }
    dispatch_floating("augment", x, [&]<class T>(auto device, T) {
      if (shapes_only() && !x.device().is_cpu()) return;
      StreamNetGradients<T> to;
      const auto pointer = [&](int i) {
        return gradients[i].defined() ? gradients[i].template mutable_data<T>()
                                      : nullptr;
      };
      to.dx = pointer(0);
      for (int i = 0; i < shape.layers; ++i) {
        to.weight[i] = pointer(1 + 2 * i);
        to.bias[i] = pointer(2 + 2 * i);
      }
      backward(device, shape, p.pointers<T>(shape.layers), x, dy.data<T>(),
               back.saved(1 + 2 * shape.layers), to);
    });
    for (int i = 0; i < 1 + 2 * shape.layers; ++i) {
      if (back.needs(i)) back.add(i, std::move(gradients[i]));
    }
  }

  // (rows, kernel channels): what each point's window holds, tap by tap.
  Tensor windows(const Tensor& x) const {
    std::vector<Tensor> taps;
    for (std::int64_t k = 0; k < shape.kernel; ++k) {
      taps.push_back(slice(x, 1, k, k + shape.points()));
    }
    return reshape(concat(taps, 2),
                   {shape.batch * shape.points(), shape.kernel * shape.in});
  }

  // Its transpose: the sum of every window's part at each point.
  Tensor overlapped(const Tensor& rows) const {
    const Shape s = {shape.batch, shape.points(), shape.kernel * shape.in};
    const Tensor parts = reshape(rows, s);
    Tensor sum;
    for (std::int64_t k = 0; k < shape.kernel; ++k) {
      const Tensor part = slice(parts, 2, k * shape.in, (k + 1) * shape.in);
      const Tensor tap = placed(part, k);
      sum = sum.defined() ? add(sum, tap) : tap;
    }
    return sum;
  }

  // A stream of points() points as points first... of zeros like x.
  Tensor placed(const Tensor& part, std::int64_t first) const {
    const TensorOptions options = {part.dtype(), part.device()};
    const std::int64_t after = shape.kernel - 1 - first;
    std::vector<Tensor> parts;
    if (first) parts.push_back(zeros({shape.batch, first, shape.in}, options));
    parts.push_back(part);
    if (after) parts.push_back(zeros({shape.batch, after, shape.in}, options));
    return concat(parts, 1);
  }

  Tensor matrix(const Tensor& weight) const {  // (out, taps channels)
    return reshape(transpose(weight, 1, 2),
                   {weight.size(0), weight.size(1) * weight.size(2)});
  }

  // The same gradients in operations that are recorded themselves.
  void recorded(Backward& back) const {
    const Tensor x = back.saved(0), dy = back.grad();
    const std::int64_t width = shape.channels(), out = shape.out();
    if (back.needs(0) && shape.original) {
      back.add(0, placed(slice(dy, 2, 0, shape.in), shape.kernel - 1));
    }
    if (shape.layers == 0) return;
    std::array<Tensor, most> h;  // what each layer reads
    h[0] = shape.relu_first ? relu(windows(x)) : windows(x);
    for (int i = 0; i + 1 < shape.layers; ++i) {
      const Tensor y =
          linear(h[i], matrix(back.saved(1 + 2 * i)), back.saved(2 + 2 * i));
      h[i + 1] = shape.relu ? relu(y) : y;
    }
    Tensor g = reshape(slice(dy, 2, width - out, width),
                       {shape.batch * shape.points(), out});
    for (int i = shape.layers - 1; i >= 0; --i) {
      const Tensor w = back.saved(1 + 2 * i);
      if (back.needs(1 + 2 * i)) {
        const Shape taps = {w.size(0), w.size(2), w.size(1)};
        const Tensor dw = matmul(transpose(g, 0, 1), h[i]);
        back.add(1 + 2 * i, transpose(reshape(dw, taps), 1, 2));
      }
      if (back.needs(2 + 2 * i)) back.add(2 + 2 * i, sum(g, {0}));
      if (i == 0 && !back.needs(0)) break;
      g = matmul(g, matrix(w));
      if (i > 0 ? shape.relu : shape.relu_first) g = mul(g, sign_of(h[i]));
    }
    if (back.needs(0)) back.add(0, overlapped(g));
  }
};

}  // namespace

bool augment_stream_fits(const Tensor& x, TensorList weights,
                         const AugmentStreamOptions& o) {
  const bool activated = (weights.size() > 1 || o.activate_first) &&
                         o.activation != Activation::relu &&
                         o.activation != Activation::none;
  if (activated || weights.size() > std::size_t{most}) return false;
  const bool alone = o.kernel_size == 1 && !o.include_original;
  if (o.activate_first && !alone) return false;
  if (!x.device().is_cpu()) return !o.activate_first;
  return stream_net_fits(Cpu{}, shape_of(x.shape(), weights, o));
}

Tensor augment_stream(const Tensor& x, TensorList weights, TensorList biases,
                      const Tensor& lengths, const AugmentStreamOptions& o) {
  const Rule rule{shape_of(x.shape(), weights, o)};
  const StreamNetShape& s = rule.shape;
  std::array<Tensor, 2 + 2 * most> inputs;  // and what is kept
  Parameters p;
  inputs[0] = x;
  for (int i = 0; i < s.layers; ++i) {
    require_same_type("augment", x, weights[i]);
    inputs[1 + 2 * i] = weights[i];
    inputs[2 + 2 * i] = biases[i];
    p.weights[i] = dense(weights[i]);
    p.biases[i] = dense(biases[i]);
  }
  Tensor y =
      empty({s.batch, s.points(), s.channels()}, {x.dtype(), x.device()});
  const auto all = std::span(inputs.data(), 1 + 2 * s.layers);
  Tensor& kept = inputs[all.size()];
  if (will_record(all)) kept = kept_layers(s, x);
  const Tensor stream = dense_rows(x);
  const Tensor points = lengths.defined() ? lengths.to(x.device()) : lengths;
  dispatch_floating("augment", x, [&]<class T>(auto device, T) {
    if (shapes_only() && !x.device().is_cpu()) return;
    forward(device, s, p.pointers<T>(s.layers), stream,
            points.defined() ? points.data<std::int64_t>() : nullptr,
            y.mutable_data<T>(), kept);
  });
  return record("augment", y, all, std::span(inputs.data(), all.size() + 1),
                rule);
}

}  // namespace sigtape
