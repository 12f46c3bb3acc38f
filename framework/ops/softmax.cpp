#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/softmax_kernels.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

// `dim` is in 0..rank-1.
Tensor compute(const char* name, bool logarithm, const Tensor& a, int dim) {
  const NoGrad no_grad;
  const Tensor dense = contiguous(a);
  Tensor out = empty(a.shape(), {a.dtype(), a.device()});
  std::int64_t outer = 1, inner = 1;
  for (int i = 0; i < dim; ++i) outer *= a.size(i);
  for (int i = dim + 1; i < a.rank(); ++i) inner *= a.size(i);
  compute_floating(name, a, [&]<class T>(auto device, T) {
    softmax_forward(device, logarithm, outer, a.size(dim), inner,
                    dense.data<T>(), out.mutable_data<T>());
  });
  return out;
}

}  // namespace

Tensor softmax(const Tensor& a, int dim) {
  const int d = normalise_dim("softmax", dim, a.rank());
  const Tensor y = compute("softmax", false, a, d);
  return record("softmax", y, {a}, {y}, [d](Backward& back) {
    const Tensor &g = back.grad(), y = back.saved(0);
    back.add(0, mul(y, sub(g, sum(mul(g, y), {d}, true))));
  });
}

Tensor log_softmax(const Tensor& a, int dim) {
  const int d = normalise_dim("log_softmax", dim, a.rank());
  const Tensor y = compute("log_softmax", true, a, d);
  return record("log_softmax", y, {a}, {y}, [d](Backward& back) {
    const Tensor &g = back.grad(), y = back.saved(0);
    back.add(0, sub(g, mul(exp(y), sum(g, {d}, true))));
  });
}

}  // namespace sigtape
