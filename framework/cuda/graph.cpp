#include "sigtape/framework/cuda/graph.h"

#include <utility>

#include "sigtape/framework/cuda/capture_flag.h"
#include "sigtape/framework/tape.h"

namespace sigtape::cuda {

namespace {

// Of the graph that is being captured.
thread_local std::vector<std::shared_ptr<const void>>* kept_things = nullptr;

}  // namespace

bool is_capturing() { return kept_things != nullptr; }

void keep_for_graph(std::shared_ptr<const void> memory) {
  if (kept_things) kept_things->push_back(std::move(memory));
}

CaptureFlag::CaptureFlag(std::vector<std::shared_ptr<const void>>& kept) {
  kept_things = &kept;
}
CaptureFlag::~CaptureFlag() { kept_things = nullptr; }

void require_no_capture(const char* what) {
  if (!is_capturing()) [[likely]]
    return;
  const std::string layer = LayerScope::current();
  fail<CaptureError>(layer.empty() ? "" : "layer '" + layer + "': ", what,
                     " cannot be part of a CUDA graph");
}

}  // namespace sigtape::cuda
