#pragma once

#include "sigtape/framework/tensor.h"

namespace sigtape {

/// Tags that choose an operation's kernels by overload: every kernel takes one
/// first. A device that this build lacks has no tag, so the linker proves that
/// the kernels of those it has are complete.
struct Cpu {};

/// Calls body(device tag, T{}) for the floating type and device of `tensor`.
/// Throws UsageError naming `op` for int64.
template <class Body>
void dispatch_floating(const char* op, const Tensor& tensor, const Body& body) {
  switch (tensor.dtype()) {
    case DType::float32:
      return body(Cpu{}, float{});
    case DType::float64:
      return body(Cpu{}, double{});
    case DType::int64:
      fail(op, ": expected float32 or float64, got int64 ", tensor.shape());
  }
}

/// The same for all three types.
template <class Body>
void dispatch_any(const Tensor& tensor, const Body& body) {
  switch (tensor.dtype()) {
    case DType::float32:
      return body(Cpu{}, float{});
    case DType::float64:
      return body(Cpu{}, double{});
    case DType::int64:
      return body(Cpu{}, std::int64_t{});
  }
}

/// Throws UsageError naming `op` unless both have the same type and device.
inline void require_same_type(const char* op, const Tensor& a,
                              const Tensor& b) {
  require(a.dtype() == b.dtype(), op, ": types differ: ", a.shape(), " ",
          a.dtype(), " and ", b.shape(), " ", b.dtype());
  require(a.device() == b.device(), op, ": devices differ: ", a.device(),
          " and ", b.device());
}

}  // namespace sigtape
