#include "sigtape/layers/signature/signature.h"

#include <utility>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/optional.h"
#include "sigtape/framework/shapes_only.h"
#include "sigtape/framework/tape.h"
#include "sigtape/framework/warning.h"
#include "sigtape/layers/signature/raw_memory.h"
#include "sigtape/layers/signature/signature_kernels.h"
#include "sigtape/layers/signature/signature_plan_check.h"
#include "sigtape/layers/signature/signature_second.h"

namespace sigtape {

namespace {

// The inputs of one call, contiguous; undefined where there is none.
struct Arguments {
  Tensor path, basepoint, initial, lengths;

  template <class T>
  SignatureInputs<T> inputs() const {
    return {path.data<T>(), basepoint.defined() ? basepoint.data<T>() : nullptr,
            initial.defined() ? initial.data<T>() : nullptr,
            lengths.defined() ? lengths.data<std::int64_t>() : nullptr};
  }
};

BasepointKind kernel_kind(const Basepoint& basepoint) {
  switch (basepoint.kind()) {
    case Basepoint::Kind::none:
      return BasepointKind::none;
    case Basepoint::Kind::zero:
      return BasepointKind::zero;
    case Basepoint::Kind::values:
      return BasepointKind::shared;
    case Basepoint::Kind::tensor:
      return BasepointKind::per_path;
  }
  return BasepointKind::none;
}

void check_path(const Tensor& path, const Basepoint& basepoint) {
  require(path.defined(), "signature: expected a path, got no tensor");
  const Shape& shape = path.shape();
  require(shape.rank() != 2,
          "signature: expected path (batch, length, channels), got ", shape,
          "; add a batch dimension: (1, length, channels)");
  require(shape.rank() == 3,
          "signature: expected path (batch, length, channels), got ", shape);
  require(is_floating(path.dtype()),
          "signature: expected a path of float32 or float64, got int64 ",
          shape);
  require(shape[0] > 0 && shape[1] > 0 && shape[2] > 0,
          "signature: expected path (batch, length, channels) without a "
          "dimension of size 0, got ",
          shape);
  require(shape[1] > 1 || !basepoint.is_none(),
          "signature: expected a path of at least 2 points, or a basepoint, "
          "got ",
          shape);
}

void check_like_path(const char* what, const Tensor& tensor, const Tensor& path,
                     const Shape& expected) {
  require(tensor.shape() == expected, "signature: expected ", what,
          " of shape ", expected, " for path ", path.shape(), ", got ",
          tensor.shape());
  require(tensor.dtype() == path.dtype(), "signature: expected ", what,
          " of the path's type ", path.dtype(), ", got ", tensor.dtype());
  require(tensor.device() == path.device(), "signature: expected ", what,
          " on the path's device ", path.device(), ", got ", tensor.device());
}

void check_basepoint(const Basepoint& basepoint, const Tensor& path) {
  if (basepoint.kind() == Basepoint::Kind::tensor) {
    check_like_path("a basepoint", basepoint.points(), path,
                    {path.size(0), path.size(2)});
  }
  if (basepoint.kind() == Basepoint::Kind::values) {
    const std::int64_t count = basepoint.points().numel();
    require(count == path.size(2), "signature: expected a basepoint of ",
            path.size(2), " numbers, one per channel of path ", path.shape(),
            ", got ", count);
  }
}

void check_lengths(const Tensor& lengths, const Tensor& path, bool based) {
  const std::int64_t batch = path.size(0), longest = path.size(1);
  require(lengths.dtype() == DType::int64 && lengths.shape() == Shape{batch},
          "signature: expected lengths ", Shape{batch}, " int64 for path ",
          path.shape(), ", got ", lengths.shape(), " ", lengths.dtype());
  if (!lengths.device().is_cpu()) return;  // checked before they went there
  const std::int64_t least = based ? 1 : 2;
  const std::int64_t* first = lengths.data<std::int64_t>();
  for (std::int64_t b = 0; b < batch; ++b) {
    const std::int64_t length = first[b * lengths.strides()[0]];
    require(least <= length && length <= longest,
            "signature: expected lengths from ", least, " to ", longest,
            based ? "" : " (1 needs a basepoint)", ", got ", length,
            " for path ", b);
  }
}

SignatureShape kernel_shape(const Tensor& path, const SignatureOptions& o) {
  return {.batch = path.size(0),
          .length = path.size(1),
          .channels = path.size(2),
          .stream = o.stream,
          .inverse = o.inverse,
          .scalar_term = o.scalar_term,
          .basepoint = kernel_kind(o.basepoint),
          .initial = o.initial.defined(),
          .lengths = o.lengths.defined()};
}

SignatureShape checked_shape(const Tensor& path, std::int64_t depth,
                             const SignatureOptions& options) {
  check_path(path, options.basepoint);
  check_basepoint(options.basepoint, path);
  if (options.lengths.defined())
    check_lengths(options.lengths, path, !options.basepoint.is_none());
  SignatureShape shape = kernel_shape(path, options);
  require_signature_fits(
      shape, depth, path.dtype(),
      will_record({path, options.basepoint.points(), options.initial}));
  shape.depth = static_cast<int>(depth);
  if (!shape.initial) return shape;
  check_like_path("initial", options.initial, path,
                  {shape.batch, shape.columns()});
  if (options.basepoint.is_none()) {
    warn(
        "signature: initial without a basepoint: the increment from where the "
        "earlier path ended is left out");
  }
  return shape;
}

Arguments arguments(const Tensor& path, const SignatureOptions& options) {
  Arguments a{contiguous(path), {}, {}, {}};
  const Basepoint& basepoint = options.basepoint;
  if (basepoint.kind() == Basepoint::Kind::tensor)
    a.basepoint = contiguous(basepoint.points());
  if (basepoint.kind() == Basepoint::Kind::values)
    a.basepoint = cast(basepoint.points(), path.dtype()).to(path.device());
  if (options.initial.defined()) a.initial = contiguous(options.initial);
  if (options.lengths.defined())
    a.lengths = contiguous(options.lengths).to(path.device());
  return a;
}

// Memory for kernels; none is asked for where none is needed.
Tensor scratch(std::size_t bytes, Device device) {
  return bytes > 0 ? raw_memory(bytes, device) : Tensor();
}

struct Gradients {
  Tensor path, basepoint, initial;
};

Gradients compute_gradients(const SignatureShape& shape, const Arguments& a,
                            const Tensor& saved, const Tensor& cotangent,
                            const Backward& back) {
  const auto wanted = [&](std::size_t i, const Tensor& like) {
    return back.needs(i) ? empty_like(like) : Tensor();
  };
  Gradients g{wanted(0, a.path), wanted(1, a.basepoint), wanted(2, a.initial)};
  dispatch_floating("signature", a.path, [&]<class T>(auto device, T) {
    Tensor workspace =
        scratch(signature_workspace_bytes<T>(device, shape), a.path.device());
    if (shapes_only()) return;
    signature_backward<T>(
        device, shape, a.inputs<T>(),
        saved.defined() ? saved.data<double>() : nullptr, cotangent.data<T>(),
        {mutable_pointer<T>(g.path), mutable_pointer<T>(g.basepoint),
         mutable_pointer<T>(g.initial)},
        mutable_pointer<double>(workspace));
  });
  return g;
}

// Under create_graph the gradients are results of an operation themselves.
void add_gradient(Backward& back, const SignatureShape& shape,
                  std::size_t input, Tensor gradient, const Arguments& a,
                  const Tensor& cotangent) {
  if (!gradient.defined()) return;
  back.add(input,
           grad_enabled()
               ? record_signature_gradient(
                     shape, input, gradient,
                     {a.path, a.basepoint, a.initial, a.lengths}, cotangent)
               : std::move(gradient));
}

void go_back(const SignatureShape& shape, Backward& back) {
  const Arguments a{back.saved(0), back.saved(1), back.saved(2), back.saved(3)};
  const Tensor cotangent = contiguous(back.grad());
  Gradients g = compute_gradients(shape, a, back.saved(4), cotangent, back);
  add_gradient(back, shape, 0, std::move(g.path), a, cotangent);
  add_gradient(back, shape, 1, std::move(g.basepoint), a, cotangent);
  add_gradient(back, shape, 2, std::move(g.initial), a, cotangent);
}

}  // namespace

Basepoint::Basepoint(const std::vector<double>& values) : kind_(Kind::values) {
  require(!values.empty(),
          "basepoint: expected one number per channel, got none");
  points_ = from_values(values, {static_cast<std::int64_t>(values.size())},
                        {DType::float64, {}});
}

Basepoint Basepoint::to(Device device) const {
  Basepoint there = *this;
  if (points_.defined()) there.points_ = points_.to(device);
  return there;
}

Basepoint::Basepoint(Tensor points)
    : kind_(points.defined() ? Kind::tensor : Kind::none),
      points_(std::move(points)) {}

Tensor signature(const Tensor& path, std::int64_t depth,
                 const SignatureOptions& options) {
  const SignatureShape shape = checked_shape(path, depth, options);
  const Arguments a = arguments(path, options);
  const bool recorded = will_record({a.path, a.basepoint, a.initial});
  const TensorOptions like{path.dtype(), path.device()};
  Tensor out = shape.stream
                   ? empty({shape.batch, shape.rows(), shape.columns()}, like)
                   : empty({shape.batch, shape.columns()}, like);
  Tensor saved;
  dispatch_floating("signature", path, [&]<class T>(auto device, T) {
    if (recorded)
      saved = scratch(signature_saved_bytes<T>(device, shape), path.device());
    Tensor workspace =
        scratch(signature_workspace_bytes<T>(device, shape), path.device());
    if (shapes_only()) return;
    signature_forward<T>(device, shape, a.inputs<T>(), out.mutable_data<T>(),
                         mutable_pointer<double>(saved),
                         mutable_pointer<double>(workspace));
  });
  return record("signature", out, {a.path, a.basepoint, a.initial},
                {a.path, a.basepoint, a.initial, a.lengths, saved},
                [shape](Backward& back) { go_back(shape, back); });
}

}  // namespace sigtape
