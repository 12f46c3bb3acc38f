#include "sigtape/framework/cuda/graph.h"

#include "sigtape/framework/cuda/capture_flag.h"
#include "sigtape/framework/tape.h"

namespace sigtape::cuda {

namespace {

thread_local bool capturing = false;

}  // namespace

bool is_capturing() { return capturing; }

CaptureFlag::CaptureFlag() { capturing = true; }
CaptureFlag::~CaptureFlag() { capturing = false; }

void require_no_capture(const char* what) {
  if (!capturing) [[likely]]
    return;
  const std::string layer = LayerScope::current();
  fail<CaptureError>(layer.empty() ? "" : "layer '" + layer + "': ", what,
                     " cannot be part of a CUDA graph");
}

}  // namespace sigtape::cuda
