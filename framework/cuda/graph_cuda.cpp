#include "sigtape/framework/cuda/graph.h"
#include "sigtape/framework/cuda/pool.h"

namespace sigtape::cuda {

GraphMemory::GraphMemory(int device)
    : device_(device), pool_(make_graph_pool(device)) {}

GraphMemory::~GraphMemory() { free_graph_pool(pool_, device_); }

void GraphMemory::rehearse(const std::function<void()>& body) {
  open_graph_pool(pool_);
  try {
    body();
  } catch (...) {
    open_graph_pool(0);
    throw;
  }
  open_graph_pool(0);
}

}  // namespace sigtape::cuda
