#pragma once

#include <memory>
#include <vector>

namespace sigtape::cuda {

/// While it lives, is_capturing() of this thread; what the graph keeps is added
/// to `kept`.
struct CaptureFlag {
  explicit CaptureFlag(std::vector<std::shared_ptr<const void>>& kept);
  ~CaptureFlag();
  CaptureFlag(const CaptureFlag&) = delete;
  CaptureFlag& operator=(const CaptureFlag&) = delete;
};

}  // namespace sigtape::cuda
