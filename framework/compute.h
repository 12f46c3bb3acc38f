#pragma once

#include "sigtape/framework/dispatch.h"
#include "sigtape/framework/shapes_only.h"

namespace sigtape {

/// As dispatch_floating, and does nothing where there are shapes only: for
/// bodies that compute. A body of dispatch_floating that takes memory before it
/// calls its kernels has to return between the two where shapes_only().
template <class Body>
void compute_floating(const char* op, const Tensor& tensor, const Body& body) {
  if (shapes_only() && is_floating(tensor.dtype())) return;
  dispatch_floating(op, tensor, body);
}

/// As compute_floating, for kernels that take memory of their own: where there
/// are shapes only they are called on a CPU still, so that it is counted, and
/// have to return when they have taken it.
template <class Body>
void compute_with_memory(const char* op, const Tensor& tensor,
                         const Body& body) {
  if (!tensor.device().is_cpu()) return compute_floating(op, tensor, body);
  dispatch_floating(op, tensor, body);
}

/// As dispatch_any; where there are shapes only, for int64 alone.
template <class Body>
void compute_any(const Tensor& tensor, const Body& body) {
  if (shapes_only() && is_floating(tensor.dtype())) return;
  dispatch_any(tensor, body);
}

}  // namespace sigtape
