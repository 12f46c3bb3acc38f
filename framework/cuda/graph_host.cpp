#include "sigtape/framework/cuda/capture_flag.h"
#include "sigtape/framework/cuda/graph.h"
#include "sigtape/framework/cuda/host/emulator.h"

namespace sigtape::cuda {

struct Graph::Captured {
  cuda_host::Graph graph;
};

Graph::Graph(GraphMemory& memory, const std::function<void()>& body)
    : device_(memory.device()), captured_(new Captured) {
  const CaptureFlag flag;
  cuda_host::begin_capture(&captured_->graph);
  try {
    memory.rehearse(body);
  } catch (...) {
    cuda_host::end_capture();
    throw;
  }
  cuda_host::end_capture();
}

Graph::~Graph() = default;

void Graph::launch() {
  ++cuda_host::counts().graph_launches;
  for (const std::function<void()>& work : captured_->graph.work) work();
}

}  // namespace sigtape::cuda
