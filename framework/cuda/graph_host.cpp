#include "sigtape/framework/cuda/capture_flag.h"
#include "sigtape/framework/cuda/graph.h"
#include "sigtape/framework/cuda/host/emulator.h"
#include "sigtape/framework/cuda/host/injection.h"
#include "sigtape/framework/cuda/host/streams.h"

namespace sigtape::cuda {

struct Graph::Captured {
  cuda_host::Graph graph;
};

Graph::Graph(GraphMemory& memory, const std::function<void()>& body)
    : device_(memory.device()), captured_(new Captured) {
  const CaptureFlag flag(kept_);
  cuda_host::begin_capture(&captured_->graph);
  try {
    memory.rehearse(body);
  } catch (...) {
    cuda_host::end_capture();
    throw;
  }
  cuda_host::end_capture();
}

Graph::~Graph() { cuda_host::finish(cuda_host::StreamName::device); }

void Graph::launch() {
  if (const int code = cuda_host::error_of_call()) {
    fail_call("the launch of a graph", cuda_host::injected(code));
  }
  ++cuda_host::counts().graph_launches;
  cuda_host::enqueue(cuda_host::StreamName::device, [this] {
    for (const std::function<void()>& work : captured_->graph.work) work();
  });
}

}  // namespace sigtape::cuda
