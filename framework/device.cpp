#include "sigtape/framework/device.h"

#include <charconv>
#include <ostream>

#include "sigtape/framework/check.h"
#include "sigtape/framework/cuda/runtime.h"

namespace sigtape {

Device Device::parse(const std::string& text) {
  if (text == "cpu") return {};
  if (text == "cuda") return {Type::cuda, 0};
  const std::string prefix = "cuda:";
  if (text.starts_with(prefix)) {
    int index = -1;
    const char* end = text.data() + text.size();
    const auto [stop, error] =
        std::from_chars(text.data() + prefix.size(), end, index);
    if (error == std::errc() && stop == end && index >= 0) {
      return {Type::cuda, index};
    }
  }
  fail("device: expected auto, cpu, cuda or cuda:N, got '", text, "'");
}

int cuda_device_count() { return cuda::device_count(); }

Device select_device(const std::string& text) {
  const int count = cuda::device_count();
  if (text == "auto") {
    const bool faster = count > 0 && !cuda::is_emulated();
    return faster ? Device{Device::Type::cuda, 0} : Device{};
  }
  const Device device = Device::parse(text);
  if (device.is_cpu()) return device;
  require<DeviceError>(count > 0, "device ", device, ": ",
                       cuda::no_device_reason(),
                       "; use --device cpu or --device auto");
  require<DeviceError>(device.index < count, "device ", device,
                       ": the last CUDA device is cuda:", count - 1,
                       "; use that, --device cpu or --device auto");
  return device;
}

std::ostream& operator<<(std::ostream& out, const Device& device) {
  if (device.is_cpu()) return out << "cpu";
  return out << "cuda:" << device.index;
}

}  // namespace sigtape
