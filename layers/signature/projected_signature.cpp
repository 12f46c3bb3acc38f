#include "sigtape/layers/signature/projected_signature.h"

#include <algorithm>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/path_transforms.h"
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
  const Tensor dense = contiguous(lengths);
  for (std::int64_t b = 0; b < shape[0]; ++b) {
    const std::int64_t n = dense.data<std::int64_t>()[b];
    require(n >= (based ? 1 : 2) && n <= shape[1], op,
            ": expected lengths from ", based ? 1 : 2, " to ", shape[1],
            ", got ", n, " for path ", b);
  }
}

// Each path backwards.
Value reversed(const Value& x) {
  const std::int64_t points = x.data.size(1);
  const std::int64_t kinds = x.lengths.defined() ? x.data.size(0) : 1;
  Tensor index = empty({kinds, points}, {DType::int64, {}});
  auto* to = index.mutable_data<std::int64_t>();
  for (std::int64_t b = 0; b < kinds; ++b) {
    const std::int64_t n =
        x.lengths.defined() ? x.lengths.data<std::int64_t>()[b] : points;
    for (std::int64_t t = 0; t < points; ++t)
      *to++ = std::max<std::int64_t>(0, n - 1 - t);
  }
  return {take_points(x.data, index), x.lengths};
}

Tensor raw_memory(std::size_t bytes) {
  return empty({static_cast<std::int64_t>(bytes / 8) + 1},
               {DType::float64, {}});
}

const std::int64_t* integers(const Tensor& t) {
  return t.defined() ? t.data<std::int64_t>() : nullptr;
}

Tensor gradient(const ProjectionShape& shape, Backward& back) {
  const Tensor path = back.saved(0), lengths = back.saved(1);
  const Tensor tree = back.saved(2), saved = back.saved(3);
  const Tensor dout = contiguous(back.grad());
  Tensor dpath = empty_like(path);
  dispatch_floating(op, path, [&]<class T>(auto device, T) {
    Tensor workspace = raw_memory(projected_workspace_bytes<T>(device, shape));
    projected_backward(device, shape, WordSet::tree(tree, shape),
                       path.data<T>(), integers(lengths), saved.data<double>(),
                       dout.data<T>(), dpath.mutable_data<T>(),
                       workspace.mutable_data<double>());
  });
  // Under create_graph this is the result of an operation itself, one that has
  // no derivative.
  return record(
      "projected_signature_backward", dpath, {path, dout}, {},
      [](Backward&) { no_derivative("projected_signature_backward"); });
}

Tensor compute(const Value& x, const WordSet& words) {
  const Tensor path = contiguous(x.data);
  ProjectionShape shape = words.shape();
  shape.batch = path.size(0);
  shape.length = path.size(1);
  shape.lengths = x.lengths.defined();
  const bool recorded = will_record({path});
  Tensor out = empty({shape.batch, shape.words}, {path.dtype(), path.device()});
  Tensor saved;
  dispatch_floating(op, path, [&]<class T>(auto device, T) {
    if (recorded) saved = raw_memory(projected_saved_bytes<T>(device, shape));
    Tensor workspace = raw_memory(projected_workspace_bytes<T>(device, shape));
    projected_forward(device, shape, WordSet::tree(words.memory(), shape),
                      path.data<T>(), integers(x.lengths),
                      out.mutable_data<T>(),
                      recorded ? saved.mutable_data<double>() : nullptr,
                      workspace.mutable_data<double>());
  });
  return record(
      op, out, {path}, {path, x.lengths, words.memory(), saved},
      [shape](Backward& back) { back.add(0, gradient(shape, back)); });
}

}  // namespace

Tensor projected_signature(const Tensor& path, const WordSet& words,
                           const ProjectionOptions& options) {
  check(path, words, options);
  Value x = {path, options.lengths};
  if (x.lengths.defined()) x.lengths = contiguous(x.lengths);
  x = prepend_basepoint(x, options.basepoint);
  return compute(options.inverse ? reversed(x) : x, words);
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
  return gather(signature, -1, expand(index, shape));
}

}  // namespace sigtape
