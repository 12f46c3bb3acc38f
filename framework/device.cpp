#include "sigtape/framework/device.h"

#include <charconv>
#include <ostream>

#include "sigtape/framework/check.h"

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

int cuda_device_count() { return 0; }

Device select_device(const std::string& text) {
  if (text == "auto") {
    return cuda_device_count() > 0 ? Device{Device::Type::cuda, 0} : Device{};
  }
  const Device device = Device::parse(text);
  require<DeviceError>(device.is_cpu() || device.index < cuda_device_count(),
                       "device ", device,
                       ": this program is built without CUDA; use --device "
                       "cpu or --device auto");
  return device;
}

std::ostream& operator<<(std::ostream& out, const Device& device) {
  if (device.is_cpu()) return out << "cpu";
  return out << "cuda:" << device.index;
}

}  // namespace sigtape
