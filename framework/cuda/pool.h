#pragma once

/// Memory of captured graphs, for graph.h. What a thread allocates while it has
/// a pool open is the pool's until the pool is freed, also when it is given
/// back: a replay writes there again.
namespace sigtape::cuda {

/// A new pool, at least 1.
int make_graph_pool(int device);
/// Opens a pool for this thread, or with 0 none.
void open_graph_pool(int pool);
/// Gives the pool's memory back to the device's cache.
void free_graph_pool(int pool, int device) noexcept;

}  // namespace sigtape::cuda
