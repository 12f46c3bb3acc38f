#include "sigtape/layers/signature/projected_signature.h"

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/optional.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/path_transforms.h"
#include "sigtape/layers/signature/raw_memory.h"
#include "sigtape/layers/stream_ops.h"

namespace sigtape {

namespace {

constexpr const char* op = "projected_signature";

void check(const Tensor& path, const WordSet& words,
           const ProjectionOptions& options) {
  require(path.defined(), op, ": expected a path, got no tensor");
  const Shape& shape = path.shape();
  require(shape.rank() == 3 && path.numel() > 0, op,
          ": expected path (batch, length, channels), got ", shape,
          shape.rank() == 2 ? "; add a batch dimension: (1, length, channels)"
                            : "");
  require(is_floating(path.dtype()), op,
          ": expected a path of float32 or float64, got int64 ", shape);
  require(shape[2] == words.channels(), op, ": expected ", words.channels(),
          " channels, as the words have, got path ", shape);
  const bool based = !options.basepoint.is_none();
  require(shape[1] > 1 || based, op,
          ": expected a path of at least 2 points, or a basepoint, got ",
          shape);
  if (!options.lengths.defined()) return;
  const Tensor& lengths = options.lengths;
  require(lengths.dtype() == DType::int64 && lengths.shape() == Shape{shape[0]},
          op, ": expected lengths ", Shape{shape[0]}, " int64, got ",
          lengths.shape(), " ", lengths.dtype());
  if (!lengths.device().is_cpu()) return;  // checked before they went there
  const Tensor dense = contiguous(lengths);
  for (std::int64_t b = 0; b < shape[0]; ++b) {
    const std::int64_t n = dense.data<std::int64_t>()[b];
    require(n >= (based ? 1 : 2) && n <= shape[1], op,
            ": expected lengths from ", based ? 1 : 2, " to ", shape[1],
            ", got ", n, " for path ", b);
  }
}

// The inputs of a call on one device, contiguous.
struct Arguments {
  Tensor path, lengths, tree;
};

// The rule of projected_signature_backward: its derivatives along the
// cotangent v of the gradient.
void go_back_twice(const ProjectionShape& shape, Backward& back) {
  const Arguments a{back.saved(0), back.saved(1), back.saved(2)};
  const Tensor g = back.saved(3), v = contiguous(back.grad());
  Tensor dpath = back.needs(0) ? empty_like(a.path) : Tensor();
  Tensor dout = back.needs(1) ? empty_like(g) : Tensor();
  dispatch_floating(op, a.path, [&]<class T>(auto device, T) {
    Tensor workspace = raw_memory(projected_second_bytes<T>(device, shape));
    if (shapes_only()) return;
    projected_second(device, shape, WordSet::tree(a.tree, shape),
                     a.path.data<T>(), v.data<T>(),
                     pointer<std::int64_t>(a.lengths), g.data<T>(),
                     mutable_pointer<T>(dout), mutable_pointer<T>(dpath),
                     workspace.mutable_data<double>());
  });
  const auto add = [&](std::size_t i, const Tensor& result) {
    if (!result.defined()) return;
    back.add(i, record_without_derivative("projected_signature_second", result,
                                          {a.path, g, v}));
  };
  add(0, dpath);
  add(1, dout);
}

Tensor gradient(const ProjectionShape& shape, Backward& back) {
  const Arguments a{back.saved(0), back.saved(1), back.saved(2)};
  const Tensor saved = back.saved(3), dout = contiguous(back.grad());
  Tensor dpath = empty_like(a.path);
  dispatch_floating(op, a.path, [&]<class T>(auto device, T) {
    Tensor workspace = raw_memory(projected_workspace_bytes<T>(device, shape));
    if (shapes_only()) return;
    projected_backward(
        device, shape, WordSet::tree(a.tree, shape), a.path.data<T>(),
        pointer<std::int64_t>(a.lengths), saved.data<double>(), dout.data<T>(),
        dpath.mutable_data<T>(), workspace.mutable_data<double>());
  });
  return record("projected_signature_backward", dpath, {a.path, dout},
                {a.path, a.lengths, a.tree, dout},
                [shape](Backward& second) { go_back_twice(shape, second); });
}

Tensor compute(const Arguments& a, const WordSet& words, bool inverse) {
  ProjectionShape shape = words.shape();
  shape.batch = a.path.size(0);
  shape.length = a.path.size(1);
  shape.lengths = a.lengths.defined();
  shape.inverse = inverse;
  const bool recorded = will_record({a.path});
  Tensor out =
      empty({shape.batch, shape.words}, {a.path.dtype(), a.path.device()});
  Tensor saved;
  dispatch_floating(op, a.path, [&]<class T>(auto device, T) {
    if (recorded)
      saved =
          raw_memory(projected_saved_bytes<T>(device, shape), a.path.device());
    Tensor workspace = raw_memory(projected_workspace_bytes<T>(device, shape));
    if (shapes_only()) return;
    projected_forward(device, shape, WordSet::tree(a.tree, shape),
                      a.path.data<T>(), pointer<std::int64_t>(a.lengths),
                      out.mutable_data<T>(),
                      recorded ? saved.mutable_data<double>() : nullptr,
                      workspace.mutable_data<double>());
  });
  return record(
      op, out, {a.path}, {a.path, a.lengths, a.tree, saved},
      [shape](Backward& back) { back.add(0, gradient(shape, back)); });
}

}  // namespace

Tensor projected_signature(const Tensor& path, const WordSet& words,
                           const ProjectionOptions& options) {
  check(path, words, options);
  const bool based = !options.basepoint.is_none();
  const Device device = path.device();
  Arguments a{contiguous(prepend_basepoint({path, {}}, options.basepoint).data),
              options.lengths, words.memory(device)};
  if (a.lengths.defined()) {
    a.lengths = contiguous(a.lengths).to(device);
    if (based) a.lengths = shifted_lengths(a.lengths, 1);
  }
  return compute(a, words, options.inverse);
}

Tensor extract_signature_words(const Tensor& signature, std::int64_t depth,
                               const WordSet& words, bool scalar_term) {
  constexpr const char* name = "extract_signature_words";
  require(words.depth() <= depth, name, ": expected words of at most ", depth,
          " letters, the depth, got one of ", words.depth());
  const std::int64_t d = words.channels();
  const std::int64_t columns = signature_channels(d, depth, scalar_term);
  require(signature.defined() && signature.rank() >= 1 &&
              signature.size(-1) == columns,
          name, ": expected signatures (..., ", columns, ") for ", d,
          " channels and depth ", depth, ", got ",
          signature.defined() ? signature.shape() : Shape());
  const auto count = static_cast<std::int64_t>(words.words().size());
  Tensor index = empty({count}, {DType::int64, {}});
  auto* to = index.mutable_data<std::int64_t>();
  for (const Word& word : words.words()) {
    std::int64_t number = 0;
    for (const std::int64_t letter : word) number = number * d + letter;
    *to++ = scalar_term + number +
            level_offset(d, static_cast<std::int64_t>(word.size()));
  }
  Shape shape = signature.shape();
  shape[shape.rank() - 1] = count;
  return gather(signature, -1, expand(index.to(signature.device()), shape));
}

}  // namespace sigtape
