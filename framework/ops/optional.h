#pragma once

#include "sigtape/framework/tape.h"
#include "sigtape/framework/tensor.h"

/// Arguments of kernels that may be absent, such as a bias, and results.
namespace sigtape {

/// `t` in row-major order, unrecorded; undefined where `t` is.
inline Tensor dense(const Tensor& t) {
  const NoGrad no_grad;
  return t.defined() ? contiguous(t) : t;
}

/// The first element of a dense tensor; null where it is undefined.
template <class T>
const T* pointer(const Tensor& t) {
  return t.defined() ? t.data<T>() : nullptr;
}

/// The same of a result that may not be wanted.
template <class T>
T* mutable_pointer(Tensor& t) {
  return t.defined() ? t.mutable_data<T>() : nullptr;
}

}  // namespace sigtape
