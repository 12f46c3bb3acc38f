#pragma once

#include "sigtape/framework/tensor.h"

namespace sigtape {

/// Tags that choose an operation's kernels by overload: every kernel takes one
/// first. A build without CUDA passes no Cuda, so the linker proves that the
/// kernels of the devices that a build has are complete.
struct Cpu {};
struct Cuda {
  int device = 0;
};

namespace detail {
template <class T, class Body>
void dispatch_device([[maybe_unused]] const Tensor& tensor, const Body& body) {
#ifdef SIGTAPE_CUDA
  if (!tensor.device().is_cpu()) return body(Cuda{tensor.device().index}, T{});
#endif
  body(Cpu{}, T{});
}
}  // namespace detail

/// Calls body(device tag, T{}) for the floating type and device of `tensor`.
/// Throws UsageError naming `op` for int64.
template <class Body>
void dispatch_floating(const char* op, const Tensor& tensor, const Body& body) {
  switch (tensor.dtype()) {
    case DType::float32:
      return detail::dispatch_device<float>(tensor, body);
    case DType::float64:
      return detail::dispatch_device<double>(tensor, body);
    case DType::int64:
      fail(op, ": expected float32 or float64, got int64 ", tensor.shape());
  }
}

/// The same for all three types.
template <class Body>
void dispatch_any(const Tensor& tensor, const Body& body) {
  switch (tensor.dtype()) {
    case DType::float32:
      return detail::dispatch_device<float>(tensor, body);
    case DType::float64:
      return detail::dispatch_device<double>(tensor, body);
    case DType::int64:
      return detail::dispatch_device<std::int64_t>(tensor, body);
  }
}

/// Throws UsageError naming `op` unless both are on the same device.
inline void require_same_device(const char* op, const Tensor& a,
                                const Tensor& b) {
  require(a.device() == b.device(), op, ": devices differ: ", a.device(),
          " and ", b.device());
}

/// Throws UsageError naming `op` unless both have the same type and device.
inline void require_same_type(const char* op, const Tensor& a,
                              const Tensor& b) {
  require(a.dtype() == b.dtype(), op, ": types differ: ", a.shape(), " ",
          a.dtype(), " and ", b.shape(), " ", b.dtype());
  require_same_device(op, a, b);
}

}  // namespace sigtape
