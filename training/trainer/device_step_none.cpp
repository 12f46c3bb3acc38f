// A build without CUDA has no model on a GPU.
#include "sigtape/framework/check.h"
#include "sigtape/framework/cuda/runtime.h"
#include "sigtape/training/trainer/device_step.h"

namespace sigtape {

struct DeviceStep::Impl {};

DeviceStep::DeviceStep(Module&, Optimizer&, const Objective&,
                       const BatchSource&, DeviceStepOptions) {
  fail<DeviceError>("device cuda: ", cuda::no_device_reason());
}
DeviceStep::~DeviceStep() = default;
void DeviceStep::prepare(const std::function<void(const std::string&)>&) {}
void DeviceStep::start_epoch(const TrainingState&, double,
                             std::span<const std::int64_t>) {}
void DeviceStep::run(std::int64_t) {}
DeviceStep::Outcome DeviceStep::wait(TrainingState&) { return {}; }

}  // namespace sigtape
