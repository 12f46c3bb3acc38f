#pragma once

#include <cuda_runtime.h>

#include "sigtape/framework/check.h"
#include "sigtape/framework/cuda/status.h"

/// For the files that call the CUDA runtime.
namespace sigtape::cuda {

inline CallResult result_of(cudaError_t error) {
  return {static_cast<int>(error), cudaGetErrorName(error),
          cudaGetErrorString(error)};
}

/// Throws as fail_call unless `error` is success.
inline void check(const char* what, cudaError_t error) {
  if (error == cudaSuccess) [[likely]]
    return;
  cudaGetLastError();
  fail_call(what, result_of(error));
}

}  // namespace sigtape::cuda
