#pragma once

namespace sigtape::cuda {

/// While it lives, is_capturing() of this thread.
struct CaptureFlag {
  CaptureFlag();
  ~CaptureFlag();
  CaptureFlag(const CaptureFlag&) = delete;
  CaptureFlag& operator=(const CaptureFlag&) = delete;
};

}  // namespace sigtape::cuda
