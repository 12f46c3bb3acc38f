#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "sigtape/framework/check.h"

/// CUDA graphs: work that is recorded once, with its arguments by value, and
/// launched as a whole any number of times.
namespace sigtape::cuda {

/// Something was asked for that a graph cannot hold.
class CaptureError : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// Throws CaptureError naming `what`, and the layer that runs, where this
/// thread captures a graph.
void require_no_capture(const char* what);
bool is_capturing();
/// Where this thread captures a graph, keeps `memory` as long as that graph:
/// what it reads that others could free. Else does nothing.
void keep_for_graph(std::shared_ptr<const void> memory);

/// Graphs of one device that never run at the same time, so that they share
/// the memory they work in. Nothing that a graph has allocated may be used
/// once another of them runs.
class GraphMemory {
 public:
  explicit GraphMemory(int device);
  ~GraphMemory();
  GraphMemory(const GraphMemory&) = delete;
  GraphMemory& operator=(const GraphMemory&) = delete;

  /// Runs `body` with its memory from here. Capturing the same body later then
  /// finds all it needs: a capture must not ask the device for memory.
  void rehearse(const std::function<void()>& body);

  int device() const { return device_; }
  int pool() const { return pool_; }

 private:
  int device_, pool_;
};

/// What a device's stream does in `body`, captured and not run. Throws
/// CaptureError for what no graph can hold: copies from or to main memory,
/// waiting for the device, new device memory.
class Graph {
 public:
  Graph(GraphMemory& memory, const std::function<void()>& body);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// Starts all of it after earlier work of the stream. Does not wait.
  void launch();

 private:
  struct Captured;
  int device_;
  std::vector<std::shared_ptr<const void>> kept_;
  std::unique_ptr<Captured> captured_;
};

}  // namespace sigtape::cuda
