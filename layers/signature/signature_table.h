#pragma once

#include "sigtape/framework/simd/isa_list.h"
#include "sigtape/layers/signature/signature_kernels.h"
#include "sigtape/layers/signature/signature_plan.h"

namespace sigtape::cpu {

/// What one instruction set gives for one element type. The functions run one
/// task in a slot of scratch memory: tasks may run at the same time, in any
/// order, as long as no two share a slot.
template <class T>
struct SignatureTable {
  /// Elements of a vector.
  int lanes;
  /// The signature of a task's words; `saved` may be null.
  void (*forward)(const SignatureShape&, const SignaturePlan&,
                  const SignatureInputs<T>&, T* signature, void* saved,
                  void* workspace, std::int64_t slot, std::int64_t task);
  /// Gradients of the `count` tasks of one group from `task` on, the same
  /// whether they are computed together or one by one, together with less
  /// work. With prefixes in the lanes or splits, those of
  /// increments and of the initial value's levels up to Q are left in the
  /// workspace's partial sums; with a shared basepoint its gradient is left
  /// there for each path.
  void (*backward)(const SignatureShape&, const SignaturePlan&,
                   const SignatureInputs<T>&, const void* saved,
                   const T* dsignature, const SignatureGradients<T>&,
                   void* workspace, std::int64_t slot, std::int64_t task,
                   std::int64_t count);
};

}  // namespace sigtape::cpu

#define SIGTAPE_DECLARE_TABLE(isa)                            \
  namespace sigtape::isa {                                    \
  extern const cpu::SignatureTable<float> signature_float32;  \
  extern const cpu::SignatureTable<double> signature_float64; \
  }
SIGTAPE_FOR_EACH_ISA(SIGTAPE_DECLARE_TABLE)
#undef SIGTAPE_DECLARE_TABLE
