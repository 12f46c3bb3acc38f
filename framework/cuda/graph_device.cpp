#include "sigtape/framework/cuda/call.h"
#include "sigtape/framework/cuda/capture_flag.h"
#include "sigtape/framework/cuda/graph.h"
#include "sigtape/framework/cuda/runtime.h"

namespace sigtape::cuda {

struct Graph::Captured {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  ~Captured() {
    if (executable) cudaGraphExecDestroy(executable);
    if (graph) cudaGraphDestroy(graph);
  }
};

Graph::Graph(GraphMemory& memory, const std::function<void()>& body)
    : device_(memory.device()), captured_(new Captured) {
  cudaStream_t s = stream(device_);
  check("the beginning of a capture",
        cudaStreamBeginCapture(s, cudaStreamCaptureModeThreadLocal));
  try {
    const CaptureFlag flag(kept_);
    memory.rehearse(body);
  } catch (...) {
    cudaGraph_t unfinished = nullptr;
    cudaStreamEndCapture(s, &unfinished);
    if (unfinished) cudaGraphDestroy(unfinished);
    cudaGetLastError();
    throw;
  }
  check("the end of a capture", cudaStreamEndCapture(s, &captured_->graph));
  check("the making of a graph",
        cudaGraphInstantiateWithFlags(&captured_->executable, captured_->graph,
                                      0));
}

Graph::~Graph() = default;

void Graph::launch() {
  check("the launch of a graph",
        cudaGraphLaunch(captured_->executable, stream(device_)));
}

}  // namespace sigtape::cuda
