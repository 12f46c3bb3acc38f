#include "sigtape/layers/signature/signature_conv1d.h"

#include <cmath>
#include <utility>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/conv1d_gradients.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/system_memory.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/raw_memory.h"
#include "sigtape/layers/signature/signature_conv1d_kernels.h"
#include "sigtape/layers/signature/signature_second.h"
#include "sigtape/layers/stream_ops.h"

namespace sigtape {

namespace {

using Options = SignatureConv1dOptions;

// The inputs of one call, contiguous; undefined where there is none.
struct Arguments {
  Tensor path, weight, bias, basepoint, lengths;

  template <class T>
  SignatureConv1dInputs<T> inputs() const {
    const auto pointer = [](const Tensor& t) {
      return t.defined() ? t.data<T>() : nullptr;
    };
    return {path.data<T>(), pointer(basepoint),
            lengths.defined() ? lengths.data<std::int64_t>() : nullptr,
            weight.data<T>(), pointer(bias)};
  }
};

void check_path(const Tensor& path) {
  require(path.defined() && path.rank() == 3 && is_floating(path.dtype()),
          "signature_conv1d: expected path (batch, length, channels) of "
          "float32 or float64, got ",
          path.defined() ? path.shape() : Shape(),
          path.defined() ? "" : " (no tensor)");
  require(path.size(0) > 0 && path.size(1) > 0 && path.size(2) > 0,
          "signature_conv1d: expected path (batch, length, channels) without "
          "a dimension of size 0, got ",
          path.shape());
}

void check_weights(const Tensor& path, std::int64_t depth, const Tensor& weight,
                   const Tensor& bias) {
  const std::int64_t words = signature_channels(path.size(2), depth);
  require(weight.defined(), "signature_conv1d: expected a weight");
  require_same_type("signature_conv1d", path, weight);
  require(weight.rank() == 3 && weight.size(1) == words &&
              weight.size(0) >= 1 && weight.size(2) >= 1,
          "signature_conv1d: expected weight (out, ", words,
          ", kernel) for path ", path.shape(), " and depth ", depth, ", got ",
          weight.shape());
  if (!bias.defined()) return;
  require_same_type("signature_conv1d", path, bias);
  require(bias.shape() == Shape{weight.size(0)},
          "signature_conv1d: expected bias (", weight.size(0), ") for weight ",
          weight.shape(), ", got ", bias.shape());
}

void check_basepoint(const Tensor& path, const Basepoint& basepoint) {
  require(basepoint.kind() != Basepoint::Kind::tensor,
          "signature_conv1d: expected no basepoint, zero or one number per "
          "channel, got a tensor");
  if (basepoint.kind() != Basepoint::Kind::values) return;
  require(basepoint.points().numel() == path.size(2),
          "signature_conv1d: expected a basepoint of ", path.size(2),
          " numbers, one per channel of path ", path.shape(), ", got ",
          basepoint.points().numel());
}

void check_lengths(const Tensor& lengths, const Tensor& path,
                   std::int64_t least) {
  const std::int64_t batch = path.size(0), longest = path.size(1);
  require(longest >= least, "signature_conv1d: expected a path of at least ",
          least, " points, got ", path.shape());
  if (!lengths.defined()) return;
  require(lengths.dtype() == DType::int64 && lengths.shape() == Shape{batch},
          "signature_conv1d: expected lengths ", Shape{batch},
          " int64 for path ", path.shape(), ", got ", lengths.shape(), " ",
          lengths.dtype());
  if (!lengths.device().is_cpu()) return;  // checked before they went there
  const std::int64_t* first = lengths.data<std::int64_t>();
  for (std::int64_t b = 0; b < batch; ++b) {
    const std::int64_t length = first[b * lengths.strides()[0]];
    require(least <= length && length <= longest,
            "signature_conv1d: expected lengths from ", least, " to ", longest,
            ", got ", length, " for path ", b);
  }
}

void check(const Tensor& path, std::int64_t depth, const Tensor& weight,
           const Tensor& bias, const Options& options) {
  check_path(path);
  check_weights(path, depth, weight, bias);
  check_basepoint(path, options.basepoint);
  check_lengths(options.lengths, path,
                weight.size(2) + (options.basepoint.is_none() ? 1 : 0));
}

BasepointKind kernel_kind(const Basepoint& basepoint) {
  if (basepoint.is_none()) return BasepointKind::none;
  return basepoint.kind() == Basepoint::Kind::zero ? BasepointKind::zero
                                                   : BasepointKind::shared;
}

SignatureConv1dShape shape_of(const Tensor& path, std::int64_t depth,
                              const Tensor& weight, const Options& options) {
  return {.batch = path.size(0),
          .length = path.size(1),
          .channels = path.size(2),
          .depth = static_cast<int>(depth),
          .kernel = weight.size(2),
          .outputs = weight.size(0),
          .basepoint = kernel_kind(options.basepoint)};
}

Arguments arguments(const Tensor& path, const Tensor& weight,
                    const Tensor& bias, const Options& options) {
  Arguments a{contiguous(path), contiguous(weight), bias, {}, options.lengths};
  if (bias.defined()) a.bias = contiguous(bias);
  if (a.lengths.defined()) a.lengths = contiguous(a.lengths).to(path.device());
  if (options.basepoint.kind() == Basepoint::Kind::values)
    a.basepoint =
        cast(options.basepoint.points(), path.dtype()).to(path.device());
  return a;
}

template <class T, class D>
void require_memory(D device, const SignatureConv1dShape& shape,
                    bool recorded) {
  const std::size_t forward = signature_conv1d_forward_bytes<T>(device, shape);
  const std::size_t backward =
      recorded ? signature_conv1d_backward_bytes<T>(device, shape) : 0;
  const std::size_t bytes = forward > backward ? forward : backward;
  const auto available = static_cast<std::size_t>(available_memory());
  if (bytes <= available) [[likely]]
    return;
  fail<MemoryError>("signature_conv1d: depth ", shape.depth, " over ",
                    shape.channels, " channels needs ", bytes,
                    " bytes for a batch of ", shape.batch, " paths of length ",
                    shape.length, ", expected at most the ", available,
                    " bytes available");
}

// `y` with the rows zeroed whose windows reach beyond a path's true points.
Tensor mask_rows(const Tensor& y, const SignatureConv1dShape& shape,
                 const Tensor& lengths) {
  if (!lengths.defined()) return y;
  return mask_stream(y, shifted_lengths(lengths, shape.rows() - shape.length));
}

// The same gradients in operations that are recorded themselves; they make the
// stream of signatures.
void go_back_recorded(const SignatureConv1dShape& shape, Backward& back) {
  const SignatureArguments a{
      contiguous(back.saved(0)), back.saved(2), {}, back.saved(3)};
  const Tensor weight = back.saved(1);
  const SignatureShape signatures{.batch = shape.batch,
                                  .length = shape.length,
                                  .channels = shape.channels,
                                  .depth = shape.depth,
                                  .stream = true,
                                  .basepoint = shape.basepoint,
                                  .lengths = a.lengths.defined()};
  const Shape stream = {shape.batch, shape.increments(), shape.words()};
  const Tensor g = mask_rows(back.grad(), shape, a.lengths);
  if (back.needs(0)) {
    const Tensor dstream = conv1d_backward_input(g, weight, stream, {});
    back.add(0, signature_path_gradient(signatures, a, dstream));
  }
  if (back.needs(1)) {
    const Tensor words = signature(
        a.path, shape.depth,
        {.stream = true,
         .basepoint = a.basepoint.defined()
                          ? Basepoint(a.basepoint.to_vector())
                          : Basepoint(shape.basepoint == BasepointKind::zero),
         .lengths = a.lengths});
    back.add(1, conv1d_backward_weight(g, words, weight.shape(), {}));
  }
  if (back.needs(2)) back.add(2, sum(g, {0, 1}));
}

void go_back(const SignatureConv1dShape& shape, Backward& back) {
  if (grad_enabled()) return go_back_recorded(shape, back);
  const Arguments a{
      back.saved(0), back.saved(1), {}, back.saved(2), back.saved(3)};
  const Tensor cotangent = contiguous(back.grad());
  Tensor dpath = empty_like(a.path), dweight = empty_like(a.weight);
  Tensor dbias = empty({shape.outputs}, {a.path.dtype(), a.path.device()});
  dispatch_floating("signature_conv1d", a.path, [&]<class T>(auto device, T) {
    Tensor workspace = raw_memory(
        signature_conv1d_backward_bytes<T>(device, shape), a.path.device());
    if (shapes_only()) return;
    signature_conv1d_backward<T>(
        device, shape, a.inputs<T>(), cotangent.data<T>(),
        {dpath.mutable_data<T>(), dweight.mutable_data<T>(),
         dbias.mutable_data<T>()},
        workspace.mutable_data<double>());
  });
  if (back.needs(0)) back.add(0, std::move(dpath));
  if (back.needs(1)) back.add(1, std::move(dweight));
  if (back.needs(2)) back.add(2, std::move(dbias));
}

}  // namespace

Tensor signature_conv1d(const Tensor& path, std::int64_t depth,
                        const Tensor& weight, const Tensor& bias,
                        const Options& options) {
  check(path, depth, weight, bias, options);
  if (depth > cpu::kMaxSignatureConv1dDepth)
    return signature_conv1d_composed(path, depth, weight, bias, options);
  const SignatureConv1dShape shape = shape_of(path, depth, weight, options);
  const Arguments a = arguments(path, weight, bias, options);
  Tensor y = empty({shape.batch, shape.rows(), shape.outputs},
                   {path.dtype(), path.device()});
  dispatch_floating("signature_conv1d", path, [&]<class T>(auto device, T) {
    require_memory<T>(device, shape, will_record({a.path, a.weight, a.bias}));
    Tensor workspace = raw_memory(
        signature_conv1d_forward_bytes<T>(device, shape), path.device());
    if (shapes_only()) return;
    signature_conv1d_forward<T>(device, shape, a.inputs<T>(),
                                y.mutable_data<T>(),
                                workspace.mutable_data<double>());
  });
  return record("signature_conv1d", y, {a.path, a.weight, a.bias},
                {a.path, a.weight, a.basepoint, a.lengths},
                [shape](Backward& back) { go_back(shape, back); });
}

Tensor signature_conv1d_composed(const Tensor& path, std::int64_t depth,
                                 const Tensor& weight, const Tensor& bias,
                                 const Options& options) {
  check(path, depth, weight, bias, options);
  const Tensor stream = signature(path, depth,
                                  {.stream = true,
                                   .basepoint = options.basepoint,
                                   .lengths = options.lengths});
  return mask_rows(conv1d(stream, weight, bias),
                   shape_of(path, depth, weight, options), options.lengths);
}

}  // namespace sigtape
