#pragma once

/// Memory of captured graphs, for graph.h. What a thread allocates while it has
/// a pool open is the pool's until the pool is freed, also when it is given
/// back: a replay writes there again.
namespace sigtape::cuda {

/// Opens a new pool for this thread.
int open_graph_pool(int device);
/// Ends what open_graph_pool began.
void close_graph_pool();
/// Gives the pool's memory back to the device's cache.
void free_graph_pool(int pool, int device) noexcept;

}  // namespace sigtape::cuda
