#include <cmath>

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/masks.h"
#include "sigtape/framework/ops/reduce_kernels.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

// Which axes of a shape are reduced, one bit each.
using Axes = std::uint32_t;

Axes axes_of(const char* op, const Tensor& a, const Shape& dims) {
  if (dims.rank() == 0) return (Axes{1} << a.rank()) - 1;
  Axes axes = 0;
  for (const std::int64_t dim : dims) {
    const Axes axis = Axes{1} << normalise_dim(op, dim, a.shape());
    require((axes & axis) == 0, op, ": dimension ", dim, " is repeated in ",
            dims, " for shape ", a.shape());
    axes |= axis;
  }
  return axes;
}

// `shape` with the reduced axes as size 1, or without them.
Shape reduced(const Shape& shape, Axes axes, bool keepdim) {
  Shape result;
  for (int d = 0; d < shape.rank(); ++d) {
    if (!(axes >> d & 1)) {
      result.push_back(shape[d]);
    } else if (keepdim) {
      result.push_back(1);
    }
  }
  return result;
}

// Throws where an element of the result would be the maximum of nothing.
void require_elements(const char* op, const Tensor& a, Axes axes) {
  require(a.numel() > 0 || reduced(a.shape(), axes, false).numel() == 0, op,
          ": nothing to reduce in ", a.shape());
}

// The sizes of an array whose neighbouring axes of one kind, kept or reduced,
// are merged.
struct Groups {
  Groups(const Shape& shape, Axes axes) {
    for (int d = 0; d < shape.rank(); ++d) {
      if (shape[d] == 1) continue;
      const bool is_reduced = axes >> d & 1;
      if (count == 0 || reduced[count - 1] != is_reduced) {
        sizes[count] = 1;
        reduced[count++] = is_reduced;
      }
      sizes[count - 1] *= shape[d];
    }
  }

  // Takes the last group that is to be reduced; none is a length of 1.
  ReduceSizes take_last() {
    ReduceSizes result;
    int g = count - 1;
    for (; g >= 0 && !reduced[g]; --g) result.inner *= sizes[g];
    if (g < 0) return result;
    result.length = sizes[g];
    for (int i = 0; i < g; ++i) result.outer *= sizes[i];
    sizes[g] = 1;
    reduced[g] = false;
    return result;
  }

  bool done() const {
    for (int g = 0; g < count; ++g) {
      if (reduced[g]) return false;
    }
    return true;
  }

  int count = 0;
  std::int64_t sizes[Shape::max_rank];
  bool reduced[Shape::max_rank];
};

// The reduction of `a` as a tensor of `shape`, not recorded. Groups of axes
// that others part are reduced one after another, in double between.
Tensor compute(const char* op, Reducer reducer, const Tensor& a, Axes axes,
               const Shape& shape) {
  const NoGrad no_grad;
  Tensor from = contiguous(a);
  Groups groups(a.shape(), axes);
  Reducer step{reducer.op, reducer.p};
  for (;;) {
    const ReduceSizes sizes = groups.take_last();
    const bool last = groups.done();
    if (last) step = {step.op, step.p, reducer.scale, reducer.root};
    Tensor out =
        last ? empty(shape, {a.dtype(), a.device()})
             : empty({sizes.outer, sizes.inner}, {DType::float64, a.device()});
    compute_with_memory(op, from, [&]<class In>(auto device, In) {
      compute_with_memory(op, out, [&]<class Out>(auto, Out) {
        reduce(device, step, sizes, out.mutable_data<Out>(), from.data<In>());
      });
    });
    if (last) return out;
    from = out;
    if (step.op == Reduce::power) step = {Reduce::sum};
  }
}

}  // namespace

Tensor sum(const Tensor& a, const Shape& dims, bool keepdim) {
  const Axes axes = axes_of("sum", a, dims);
  return record(
      "sum",
      compute("sum", {Reduce::sum}, a, axes, reduced(a.shape(), axes, keepdim)),
      {a}, {}, [axes, shape = a.shape()](Backward& b) {
        const Shape kept = reduced(shape, axes, true);
        b.add(0, expand(reshape(b.grad(), kept), shape));
      });
}

Tensor mean(const Tensor& a, const Shape& dims, bool keepdim) {
  const Axes axes = axes_of("mean", a, dims);
  const Shape kept = reduced(a.shape(), axes, true);
  const double scale =
      static_cast<double>(kept.numel()) / static_cast<double>(a.numel());
  return record("mean",
                compute("mean", {Reduce::sum, 1, scale}, a, axes,
                        reduced(a.shape(), axes, keepdim)),
                {a}, {}, [axes, scale, shape = a.shape()](Backward& b) {
                  const Shape kept = reduced(shape, axes, true);
                  const Tensor g = mul(reshape(b.grad(), kept), scale);
                  b.add(0, expand(g, shape));
                });
}

Tensor max(const Tensor& a, const Shape& dims, bool keepdim) {
  const Axes axes = axes_of("max", a, dims);
  require_elements("max", a, axes);
  const Tensor out =
      compute("max", {Reduce::max}, a, axes, reduced(a.shape(), axes, keepdim));
  return record("max", out, {a}, {a, out}, [axes](Backward& b) {
    const Tensor x = b.saved(0);
    const Shape kept = reduced(x.shape(), axes, true);
    const Tensor largest = equals(x, reshape(b.saved(1), kept).detach());
    const Tensor share = div(reshape(b.grad(), kept), sum_to(largest, kept));
    b.add(0, mul(largest, share));
  });
}

namespace {

// d|x|_p / dx = sign(x) (|x| / |x|_p)^(p - 1), 0 for |x|_p = 0.
Tensor norm_slope(const Tensor& x, const Tensor& norm, double p) {
  if (p == 1) return sign_of(x);
  const Tensor one = full({}, 1, {x.dtype(), x.device()});
  const Tensor ratio = div(x, where(not_zero(norm), norm, one));
  if (p == 2) return ratio;
  return mul(sign_of(x), pow(abs(ratio), p - 1));
}

}  // namespace

Tensor norm(const Tensor& a, double p, const Shape& dims, bool keepdim) {
  require(p >= 1, "norm: expected p >= 1, got ", p, " for ", a.shape());
  const Axes axes = axes_of("norm", a, dims);
  if (std::isinf(p)) {
    require_elements("norm", a, axes);
    return max(abs(a), dims, keepdim);
  }
  const Tensor out = compute("norm", {Reduce::power, p, 1, 1 / p}, a, axes,
                             reduced(a.shape(), axes, keepdim));
  return record("norm", out, {a}, {a, out}, [axes, p](Backward& b) {
    const Tensor x = b.saved(0);
    const Shape kept = reduced(x.shape(), axes, true);
    const Tensor slope = norm_slope(x, reshape(b.saved(1), kept), p);
    b.add(0, mul(reshape(b.grad(), kept), slope));
  });
}

Tensor sum_to(const Tensor& a, const Shape& shape) {
  if (a.shape() == shape) return a;
  const int added = a.rank() - shape.rank();
  require(added >= 0, "sum_to: ", shape, " does not broadcast to ", a.shape());
  Axes axes = 0;
  for (int d = 0; d < a.rank(); ++d) {
    const std::int64_t size = d < added ? 1 : shape[d - added];
    require(size == 1 || size == a.shape()[d], "sum_to: ", shape,
            " does not broadcast to ", a.shape());
    if (d < added || size != a.shape()[d]) axes |= Axes{1} << d;
  }
  return record(
      "sum_to", compute("sum_to", {Reduce::sum}, a, axes, shape), {a}, {},
      [from = a.shape()](Backward& b) { b.add(0, expand(b.grad(), from)); });
}

}  // namespace sigtape
