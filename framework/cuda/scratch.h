#pragma once

#include "sigtape/framework/cuda/runtime.h"

namespace sigtape::cuda {

/// Uninitialised device memory for the kernels of one call. It may be given
/// back while they run: whoever gets it next comes later in the stream.
template <class T>
class Scratch {
 public:
  Scratch(std::int64_t count, int device)
      : bytes_(count * static_cast<std::int64_t>(sizeof(T))),
        device_(device),
        block_(allocate(bytes_, device)) {}
  ~Scratch() { release(block_, bytes_, device_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return static_cast<T*>(block_.data); }

 private:
  std::int64_t bytes_;
  int device_;
  Block block_;
};

}  // namespace sigtape::cuda
