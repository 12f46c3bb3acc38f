#pragma once

#include <iosfwd>
#include <string>

namespace sigtape {

/// Where a tensor's elements live.
struct Device {
  enum class Type { cpu, cuda };

  Type type = Type::cpu;
  int index = 0;

  bool is_cpu() const { return type == Type::cpu; }
  bool operator==(const Device&) const = default;

  /// Reads "cpu", "cuda" or "cuda:N". Throws UsageError for anything else.
  static Device parse(const std::string& text);
};

/// Number of CUDA devices that can be used: 0 in a build without CUDA, and
/// where there is no device or no driver for it.
int cuda_device_count();

/// The device for "auto" (a GPU where there is one, else the CPU), "cpu",
/// "cuda" or "cuda:N". Throws DeviceError when a GPU is asked for that is not
/// there, UsageError for any other text.
Device select_device(const std::string& text);

std::ostream& operator<<(std::ostream& out, const Device& device);

}  // namespace sigtape
