#pragma once

/// What the kernel files (.cu) need beyond CUDA's own names, in two versions:
/// for nvcc, and for a C++ compiler with the emulator of framework/cuda/host,
/// which runs the same kernels on a CPU under the sanitizers. For kernel files
/// only; they hold kernels and calls of `launch`, no #if and nothing that
/// another file could do.

#if defined(__CUDACC__)

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "sigtape/framework/cuda/call.h"

namespace sigtape::cuda {

/// Throws as fail_call of status.h unless `error` is success. A fault of an
/// earlier kernel is an error of this one's start, too: it is told as such,
/// and the process cannot use the device any more.
inline void check_launch(cudaError_t error) {
  check("the start of a kernel", error);
}

/// Runs kernel(args...) on a grid of blocks after all earlier work of
/// `stream`. `shared_bytes`: what dynamic_shared() of a block points to.
/// Throws DeviceError where no such launch is possible.
template <class... Params, class... Args>
void launch(void (*kernel)(Params...), dim3 grid, dim3 block,
            std::size_t shared_bytes, cudaStream_t stream, Args&&... args) {
  if (shared_bytes > 48 * 1024) {
    check_launch(cudaFuncSetAttribute(
        kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
        static_cast<int>(shared_bytes)));
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  check_launch(
      cudaLaunchKernelEx(&config, kernel, std::forward<Args>(args)...));
}

/// The block's shared memory, as many bytes as the launch asked for, aligned
/// to 16, undefined at first.
template <class T>
__device__ __forceinline__ T* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char sigtape_dynamic_shared[];
  return reinterpret_cast<T*>(sigtape_dynamic_shared);
}

/// static_shared<struct name, float[32]>() stands for `__shared__ float
/// name[32]`.
template <class Tag, class Array>
__device__ __forceinline__ Array& static_shared() {
  __shared__ Array array;
  return array;
}

}  // namespace sigtape::cuda

#elif defined(SIGTAPE_CUDA_HOST)

#include "sigtape/framework/cuda/host/cuda_names.h"

namespace sigtape::cuda {

template <class... Params, class... Args>
void launch(void (*kernel)(Params...), dim3 grid, dim3 block,
            std::size_t shared_bytes, cudaStream_t, Args&&... args) {
  static_assert((sizeof(Params) + ... + 0) <= 4096, "a kernel's parameters");
  const std::tuple<Params...> params(std::forward<Args>(args)...);
  const auto work = [=] {
    cuda_host::run(grid, block, shared_bytes,
                   [&] { std::apply(kernel, params); });
  };
  if (cuda_host::is_capturing()) return cuda_host::submit(work);
  ++cuda_host::counts().launches;
  work();
}

template <class T>
T* dynamic_shared() {
  return static_cast<T*>(cuda_host::dynamic_shared_memory());
}

template <class Tag, class Array>
Array& static_shared() {
  static const char key = 0;
  return *static_cast<Array*>(
      cuda_host::static_shared_memory(&key, sizeof(Array)));
}

}  // namespace sigtape::cuda

#else
#error "launch.h is for kernel files: nvcc, or SIGTAPE_CUDA=HOST"
#endif
