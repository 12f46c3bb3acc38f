#include "sigtape/framework/compute.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/running_sum_kernels.h"
#include "sigtape/layers/stream_ops.h"

namespace sigtape {

Tensor running_sum(const Tensor& x, bool reverse) {
  require(x.defined() && x.rank() == 3 && x.numel() > 0,
          "running_sum: expected streams (batch, length, channels), got ",
          x.defined() ? x.shape() : Shape());
  const Tensor a = contiguous(x);
  Tensor out = empty_like(a);
  compute_floating("running_sum", a, [&]<class T>(auto device, T) {
    running_sum(device, a.size(0), a.size(1), a.size(2), reverse, a.data<T>(),
                out.mutable_data<T>());
  });
  return record("running_sum", out, {a}, {}, [reverse](Backward& back) {
    back.add(0, running_sum(back.grad(), !reverse));
  });
}

}  // namespace sigtape
