#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>
#include <vector>

/// A block of CUDA threads on a CPU, for tests: each thread is a fiber, blocks
/// run one after another, and one thread runs at a time until it meets a
/// barrier. What no GPU would survive ends the program with one line that
/// names file, line, block and thread, and with who waits where:
///
///   a deadlock; threads of a block at different barriers; lanes of a warp
///   that wait with different masks; a lane outside of its own mask; a shuffle
///   from a lane that is not there; a launch that no supported GPU takes.
///
/// Shared memory is a heap buffer of exactly the size asked for, filled with
/// NaNs for each block, so the address sanitizer sees its ends. The sanitizers
/// are told of every switch; to the thread sanitizer only __syncthreads and
/// __syncwarp order memory.
///
/// Not covered: the order of streams (launches are done when they return),
/// races between blocks, speed.
namespace sigtape::cuda_host {

/// Three indices or extents, as CUDA has them.
struct Dim3 {
  unsigned x, y, z;
  constexpr Dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1)
      : x(x), y(y), z(z) {}
};

/// Of the running thread. Set by the scheduler only.
inline Dim3 thread_index, block_index, block_extent, grid_extent;

using Where = std::source_location;

/// In which order the threads of a block, and the blocks of a grid, run.
enum class Order { forward, reverse, random };

/// Shared memory of a block and its threads that every supported GPU (from
/// compute capability 7.5) grants.
constexpr std::size_t kSharedLimit = 64 << 10;
constexpr unsigned kMaxThreads = 1024;

/// The order of all launches from now on.
void set_order(Order order, unsigned seed = 0);

/// The order that the environment variable SIGTAPE_CUDA_ORDER names (forward,
/// reverse or random); forward where it is not set.
Order order_from_environment();

/// Launches so far.
std::uint64_t launches();

/// What a program has asked of the emulated device so far.
struct Counts {
  std::int64_t launches = 0;        // of kernels, outside of graphs
  std::int64_t graph_launches = 0;  // of whole graphs
  std::int64_t synchronisations = 0;
  std::int64_t allocations = 0;  // cudaMalloc
  /// Copies that the second stream had been given when it was last waited for
  /// the device.
  std::int64_t copies_when_waited = 0;
};
Counts& counts();

/// A captured graph: what was asked for, with its arguments by value.
struct Graph {
  std::vector<std::function<void()>> work;
};

/// From here to end_capture nothing runs: it is kept in `graph`.
void begin_capture(Graph* graph);
void end_capture();
bool is_capturing();

/// Does `work` now, or keeps it where a capture is under way.
void submit(std::function<void()> work);

/// Runs `thread` once for every thread of the grid.
void run(Dim3 grid, Dim3 block, std::size_t shared_bytes,
         const std::function<void()>& thread);

/// The rest is for a running thread.
void* dynamic_shared_memory();

/// The static shared array that `key` stands for.
void* static_shared_memory(const void* key, std::size_t bytes);

void block_barrier(Where where);

/// Every lane of `mask` hands in a value; returns when all have.
void warp_barrier(unsigned mask, std::uint64_t value, bool orders_memory,
                  Where where);

/// What `lane` handed in at the last warp barrier.
std::uint64_t lane_value(int lane, Where where);
int current_lane();

/// The lanes that met at the last warp barrier.
unsigned lanes_met();

}  // namespace sigtape::cuda_host
