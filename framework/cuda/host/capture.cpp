// Graphs of the emulated device.
#include <utility>

#include "sigtape/framework/cuda/host/emulator.h"
#include "sigtape/framework/cuda/host/guard.h"
#include "sigtape/framework/cuda/host/streams.h"

namespace sigtape::cuda_host {

namespace {

thread_local Graph* open = nullptr;

}  // namespace

Counts& counts() {
  static Counts counts;
  return counts;
}

void begin_capture(Graph* graph) { open = graph; }
void end_capture() { open = nullptr; }
bool is_capturing() { return open != nullptr; }

void submit(std::function<void()> work) {
  if (!open) {
    finish(StreamName::device);
    const DeviceWork device;
    return work();
  }
  open->work.push_back(std::move(work));
}

}  // namespace sigtape::cuda_host
