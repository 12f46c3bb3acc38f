#pragma once

#include "sigtape/framework/host_device.h"
#include "sigtape/layers/signature/signature_normalise_kernels.h"

namespace sigtape {

/// One signature of solve_scales, for both devices.
template <class T>
struct SolveScale {
  NormaliseSizes s;
  const T *squares, *norms;
  std::int64_t* inside;
  T* lambda;

  SIGTAPE_HOST_DEVICE void operator()(std::int64_t b) const {
    const double norm = static_cast<double>(norms[b]);
    inside[b] = norm <= s.bound;
    const double target = 2 * s.bound - s.bound * s.bound / norm - 1;
    lambda[b] =
        static_cast<T>(inside[b] ? 1 : solved(squares + b * s.depth, target));
  }

  // sum_k x^(2k) n_k.
  SIGTAPE_HOST_DEVICE double sum(const T* n, double x) const {
    double value = 0;
    for (std::int64_t k = s.depth; k-- > 0;)
      value = (value + static_cast<double>(n[k])) * x * x;
    return value;
  }

  // Where that is the target, by bisection.
  SIGTAPE_HOST_DEVICE double solved(const T* n, double target) const {
    if (sum(n, 1) <= target) return 1;
    double low = 0, high = 1;
    for (int i = 0; i < 100; ++i) {
      const double middle = (low + high) / 2;
      (sum(n, middle) > target ? high : low) = middle;
    }
    return (low + high) / 2;
  }
};

}  // namespace sigtape
