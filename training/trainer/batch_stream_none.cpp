// A build without CUDA has no data set on its way to a GPU.
#include "sigtape/framework/check.h"
#include "sigtape/framework/cuda/runtime.h"
#include "sigtape/training/trainer/batch_stream.h"

namespace sigtape {

struct BatchStream::Impl {
  Tensor none;
};

BatchStream::BatchStream(const BatchSource&, std::int64_t) {
  fail<DeviceError>("device cuda: ", cuda::no_device_reason());
}
BatchStream::~BatchStream() = default;
const Tensor& BatchStream::layout() const { return impl_->none; }
const Tensor& BatchStream::points() const { return impl_->none; }
const Tensor& BatchStream::targets() const { return impl_->none; }
void BatchStream::start(std::span<const std::int64_t>, std::int64_t) {}
void BatchStream::before_step() {}
Batch BatchStream::gather() const { return {}; }
void BatchStream::after_step() {}

}  // namespace sigtape
