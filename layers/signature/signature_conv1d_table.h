#pragma once

#include "sigtape/framework/simd/isa_list.h"
#include "sigtape/layers/signature/signature_conv1d_kernels.h"
#include "sigtape/layers/signature/signature_conv1d_plan.h"

namespace sigtape::cpu {

/// One call as its pieces see it; the pointers that a piece does not use may
/// be null.
template <class T>
struct SignatureConv1dCall {
  const SignatureConv1dShape& shape;
  const SignatureConv1dPlan& plan;
  const SignatureConv1dInputs<T>& inputs;
  T* workspace;
  T* y = nullptr;
  const T* dy = nullptr;
  SignatureConv1dGradients<T> gradients = {};
};

/// What one instruction set gives for one element type: the pieces of a call.
/// Those of one kind may run at the same time; each kind waits for the one
/// before: load_group, forward_task, write_group; or load_group,
/// load_cotangents, backward_task, write_gradients.
template <class T>
struct SignatureConv1dTable {
  using Piece = void (*)(const SignatureConv1dCall<T>&, std::int64_t index);
  /// Elements of a vector.
  int lanes;
  /// The increments of a group's paths.
  Piece load_group;
  /// dy of a group's paths, its sums over later rows, and its sum for bias.
  Piece load_cotangents;
  /// Adds the subtrees of a task to its y.
  Piece forward_task;
  /// y of a group's paths from the parts that tasks have left.
  Piece write_group;
  /// A task's gradients of weight and of the increments.
  Piece backward_task;
  /// The gradient of a group's paths from the parts that tasks have left.
  Piece write_gradients;
};

}  // namespace sigtape::cpu

#define SIGTAPE_DECLARE_TABLE(isa)                                         \
  namespace sigtape::isa {                                                 \
  extern const cpu::SignatureConv1dTable<float> signature_conv1d_float32;  \
  extern const cpu::SignatureConv1dTable<double> signature_conv1d_float64; \
  }
SIGTAPE_FOR_EACH_ISA(SIGTAPE_DECLARE_TABLE)
#undef SIGTAPE_DECLARE_TABLE
