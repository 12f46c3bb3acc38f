#pragma once

#include <cstdint>

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/host_device.h"

namespace sigtape {

/// How a kernel reads a gradient: clamp(scale * g, -limit, limit); limit 0
/// does not clamp.
template <class T>
struct GradientFilter {
  T scale;
  T limit;
  SIGTAPE_HOST_DEVICE T operator()(T g) const {
    g *= scale;
    if (limit <= 0) return g;
    return g > limit ? limit : g < -limit ? -limit : g;
  }
};

template <class T>
struct SgdStep {
  T lr, momentum, weight_decay;
  bool nesterov;
  GradientFilter<T> filter;
  /// One weight's update; velocity is null where momentum is 0.
  SIGTAPE_HOST_DEVICE void operator()(T& weight, T gradient,
                                      T* velocity) const {
    T g = filter(gradient) + weight_decay * weight;
    if (velocity) {
      const T v = *velocity = momentum * *velocity + g;
      g = nesterov ? g + momentum * v : v;
    }
    weight -= lr * g;
  }
};

/// All arrays [count]; velocity is null where momentum is 0.
template <class T>
void sgd_update(Cpu, const SgdStep<T>& step, std::int64_t count, T* weight,
                const T* gradient, T* velocity);

template <class T>
struct AdamStep {
  T step_size;        // lr / (1 - beta1^t)
  T root_correction;  // sqrt(1 - beta2^t)
  T beta1, beta2, eps;
  T gradient_decay;  // weight decay added to the gradient
  T shrink;          // factor on the weight before the step
  GradientFilter<T> filter;
};

/// All arrays [count]: weight, gradient, first and second moment.
template <class T>
void adam_update(Cpu, const AdamStep<T>& step, std::int64_t count, T* weight,
                 const T* gradient, T* m, T* v);

/// *sum = the sum of squares of [count], in double, in an order that depends on
/// count only; it stands where the values do.
template <class T>
void sum_of_squares(Cpu, std::int64_t count, const T* values, double* sum);

/// The same on a GPU.
template <class T>
void sgd_update(Cuda, const SgdStep<T>& step, std::int64_t count, T* weight,
                const T* gradient, T* velocity);
template <class T>
void adam_update(Cuda, const AdamStep<T>& step, std::int64_t count, T* weight,
                 const T* gradient, T* m, T* v);
template <class T>
void sum_of_squares(Cuda, std::int64_t count, const T* values, double* sum);

}  // namespace sigtape
