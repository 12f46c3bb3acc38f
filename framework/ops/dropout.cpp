// The mask is never stored: it is a function of the generator's seed and
// offset, and backward computes it again.
#include "sigtape/framework/compute.h"
#include "sigtape/framework/ops.h"
#include "sigtape/framework/ops/dropout_kernels.h"
#include "sigtape/framework/tape.h"

namespace sigtape {

namespace {

struct Mask {
  std::uint64_t seed, first;
  double p;
};

// Linear in a with a symmetric matrix: its own derivative.
Tensor masked(const Tensor& a, Mask mask) {
  Tensor out = empty(a.shape(), {a.dtype(), a.device()});
  {
    const NoGrad no_grad;
    const Tensor dense = contiguous(a);
    compute_floating("dropout", a, [&]<class T>(auto device, T) {
      const T scale = mask.p < 1 ? static_cast<T>(1 / (1 - mask.p)) : T{0};
      dropout_apply(device, a.numel(), mask.seed, mask.first, mask.p, scale,
                    dense.data<T>(), out.mutable_data<T>());
    });
  }
  return record("dropout", out, {a}, {}, [mask](Backward& back) {
    back.add(0, masked(back.grad(), mask));
  });
}

}  // namespace

Tensor dropout(const Tensor& a, double p, Generator& generator) {
  require(p >= 0 && p <= 1, "dropout: p: expected a probability, got ", p);
  require(is_floating(a.dtype()), "dropout: expected float32 or float64, got ",
          a.dtype(), " ", a.shape());
  if (p == 0) return a;
  const auto count = static_cast<std::uint64_t>(a.numel());
  return masked(a, {generator.seed, generator.reserve(count), p});
}

}  // namespace sigtape
