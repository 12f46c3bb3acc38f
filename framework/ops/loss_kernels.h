#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/ops/strided.h"

namespace sigtape {

/// What a cross entropy is computed from. Row i has the coefficients
///   a_c = w_c (smoothing / classes + (1 - smoothing) [c = target_i])
/// and the loss -sum_c a_c log softmax(logits_i)_c.
template <class T>
struct CrossEntropyInputs {
  std::int64_t batch = 0, classes = 0;
  const T* logits = nullptr;  // [batch, classes] by row_step, class_step
  std::int64_t row_step = 0, class_step = 0;
  const std::int64_t* target = nullptr;  // [batch] by target_step
  std::int64_t target_step = 0;
  const T* weights = nullptr;  // [classes] by weight_step; null: all 1
  std::int64_t weight_step = 0;
  T smoothing = 0;
};

/// Throws UsageError naming index, value and classes for a target outside
/// 0..classes-1.
void check_targets(Cpu, const std::int64_t* target, std::int64_t step,
                   std::int64_t batch, std::int64_t classes);

/// losses [batch], and the weights of the targets, target_weights [batch].
template <class T>
void cross_entropy_forward(Cpu, const CrossEntropyInputs<T>& in, T* losses,
                           T* target_weights);

/// dlogits [batch, classes], overwritten, from dlosses [batch] by step.
template <class T>
void cross_entropy_backward(Cpu, const CrossEntropyInputs<T>& in,
                            const T* dlosses, std::int64_t step, T* dlogits);

/// max(x, 0) - x t + log(1 + exp(-|x|)) over the walk (out, x, t): without
/// overflow, and precise where the loss is small. Throws UsageError for a
/// target outside [0, 1].
template <class T>
void binary_cross_entropy(Cpu, const Strided<3>& walk, T* out, const T* x,
                          const T* t);

/// The sum over [count] of (p - t)^2, in double, and its gradient, dp = factor
/// (p - t). The order of the sum follows from count.
template <class T>
double sum_of_squared_errors(Cpu, std::int64_t count, const T* p, const T* t);
template <class T>
void squared_errors_gradient(Cpu, std::int64_t count, T factor, const T* p,
                             const T* t, T* dp);

/// Of these, the same on a GPU.
void check_targets(Cuda, const std::int64_t* target, std::int64_t step,
                   std::int64_t batch, std::int64_t classes);
template <class T>
void cross_entropy_forward(Cuda, const CrossEntropyInputs<T>& in, T* losses,
                           T* target_weights);
template <class T>
void cross_entropy_backward(Cuda, const CrossEntropyInputs<T>& in,
                            const T* dlosses, std::int64_t step, T* dlogits);
template <class T>
void binary_cross_entropy(Cuda, const Strided<3>& walk, T* out, const T* x,
                          const T* t);

}  // namespace sigtape
