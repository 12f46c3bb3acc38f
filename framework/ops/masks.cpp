#include "sigtape/framework/ops/masks.h"

#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops/masks_kernels.h"
#include "sigtape/framework/ops/reading.h"

namespace sigtape {

Tensor sign_of(const Tensor& a) {
  Tensor out = empty_like(a);
  const auto walk = read_strided<2>(out.shape(), {&out, &a});
  compute_floating("sign_of", a, [&]<class T>(auto device, T) {
    sign(device, walk, out.mutable_data<T>(), a.data<T>());
  });
  return out;
}

Tensor not_zero(const Tensor& a) {
  Tensor out = empty(a.shape(), {DType::int64, a.device()});
  const auto walk = read_strided<2>(out.shape(), {&out, &a});
  compute_floating("not_zero", a, [&]<class T>(auto device, T) {
    nonzero(device, walk, out.mutable_data<std::int64_t>(), a.data<T>());
  });
  return out;
}

Tensor equals(const Tensor& a, const Tensor& b) {
  Tensor out = empty_like(a);
  const auto walk = read_strided<3>(out.shape(), {&out, &a, &b});
  compute_floating("equals", a, [&]<class T>(auto device, T) {
    equal(device, walk, out.mutable_data<T>(), a.data<T>(), b.data<T>());
  });
  return out;
}

}  // namespace sigtape
