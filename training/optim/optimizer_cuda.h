#pragma once

#include <cmath>

#include "sigtape/framework/cuda/launch.h"
#include "sigtape/training/optim/optimizer_kernels.h"

/// One weight's update on a GPU. For kernel files.
namespace sigtape {

template <class T>
struct Sgd {
  SgdStep<T> s;
  T* weight;
  const T* gradient;
  T* velocity;
  __device__ void operator()(std::int64_t i) const {
    s(weight[i], gradient[i], velocity ? velocity + i : nullptr);
  }
};

template <class T>
struct Adam {
  AdamStep<T> s;
  T* weight;
  const T* gradient;
  T *m, *v;
  __device__ void operator()(std::int64_t i) const {
    const T w = s.shrink * weight[i];
    const T g = s.filter(gradient[i]) + s.gradient_decay * w;
    m[i] = s.beta1 * m[i] + (1 - s.beta1) * g;
    v[i] = s.beta2 * v[i] + (1 - s.beta2) * g * g;
    const T root = std::sqrt(v[i]) / s.root_correction + s.eps;
    weight[i] = w - s.step_size * m[i] / root;
  }
};

}  // namespace sigtape
