#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/reading.h"
#include "sigtape/framework/ops/where_kernels.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

Tensor compute(const Tensor& condition, const Tensor& a, const Tensor& b) {
  require(condition.dtype() == DType::int64,
          "where: expected an int64 condition, got ", condition.shape(), " ",
          condition.dtype());
  require_same_type("where", a, b);
  require_same_device("where", a, condition);
  const Shape ab = broadcast_shapes("where", a.shape(), b.shape());
  Tensor out = empty(broadcast_shapes("where", condition.shape(), ab),
                     {a.dtype(), a.device()});
  const auto walk = read_strided<4>(out.shape(), {&out, &condition, &a, &b});
  compute_any(a, [&]<class T>(auto device, T) {
    select(device, walk, out.mutable_data<T>(), condition.data<std::int64_t>(),
           a.data<T>(), b.data<T>());
  });
  return out;
}

}  // namespace

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return record("where", compute(condition, a, b), {a, b}, {condition},
                [sa = a.shape(), sb = b.shape()](Backward& back) {
                  const Tensor condition = back.saved(0), &g = back.grad();
                  const Tensor zero = zeros({}, {g.dtype(), g.device()});
                  if (back.needs(0)) {
                    back.add(0, sum_to(where(condition, g, zero), sa));
                  }
                  if (back.needs(1)) {
                    back.add(1, sum_to(where(condition, zero, g), sb));
                  }
                });
}

}  // namespace sigtape
