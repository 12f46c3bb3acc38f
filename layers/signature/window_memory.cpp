#include "sigtape/layers/signature/window_memory.h"

#include <sstream>

#include "sigtape/framework/system_memory.h"
#include "sigtape/framework/tape.h"
#include "sigtape/layers/signature/channels.h"

namespace sigtape {

std::string windows_too_large(const Tensor& path, std::int64_t depth,
                              const Windows& windows) {
  constexpr double gigabyte = 1e9;
  const std::int64_t count = windows.count(path.size(1));
  const double rows =
      static_cast<double>(count) * static_cast<double>(path.size(0));
  const int copies = will_record({path}) ? 2 : 1;
  const auto bytes = [&](std::int64_t n) {
    return rows * copies * static_cast<double>(size_of(path.dtype())) *
           static_cast<double>(signature_channels(path.size(2), n));
  };
  const auto available = static_cast<double>(available_memory());
  const double needed = bytes(depth);
  if (needed <= available) [[likely]]
    return {};
  std::int64_t largest = depth - 1;
  while (largest > 0 && bytes(largest) > available) --largest;
  std::ostringstream text;
  text << count << " windows of each of " << path.size(0) << " paths at depth "
       << depth << " over " << path.size(2) << " channels need "
       << needed / gigabyte << " GB, expected at most the "
       << available / gigabyte << " GB available; ";
  if (largest > 0) {
    text << "the largest depth that fits is " << largest;
  } else {
    text << "no depth fits: use fewer windows or a smaller batch";
  }
  return text.str();
}

}  // namespace sigtape
