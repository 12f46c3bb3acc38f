#pragma once

#include <cstdint>
#include <type_traits>

namespace sigtape {

/// Threads that parallel_for uses, at least 1; by default the CPUs this
/// process may run on.
int num_threads();

/// Throws UsageError below 1. Not to be called inside parallel_for.
void set_num_threads(int threads);

namespace detail {
using TileFunction = void (*)(const void* body, std::int64_t tile);
void run_tiles(std::int64_t tiles, TileFunction function, const void* body);
}  // namespace detail

/// Calls body(tile) for each tile in 0..tiles-1, on the persistent pool where
/// there is more than one tile and thread. Which tiles there are must follow
/// from shapes alone: then no result depends on the number of threads. An
/// exception of a body is rethrown here. Nested calls run serially. A forked
/// process may use it too.
template <class Body>
void parallel_for(std::int64_t tiles, const Body& body) {
  detail::run_tiles(
      tiles,
      [](const void* function, std::int64_t tile) {
        (*static_cast<const Body*>(function))(tile);
      },
      &body);
}

/// Cuts 0..count-1 into ranges of `grain` and calls body(begin, end) for each:
/// work of count <= grain stays on this thread.
template <class Body>
void parallel_ranges(std::int64_t count, std::int64_t grain, const Body& body) {
  parallel_for((count + grain - 1) / grain, [&](std::int64_t tile) {
    const std::int64_t begin = tile * grain;
    body(begin, begin + grain < count ? begin + grain : count);
  });
}

/// Cuts 0..count-1 into `parts` ranges of about equal size and calls
/// body(begin, end) for each. An even number of them leaves none of two threads
/// waiting.
template <class Body>
void parallel_parts(std::int64_t count, std::int64_t parts, const Body& body) {
  parallel_for(parts, [&](std::int64_t part) {
    body(count * part / parts, count * (part + 1) / parts);
  });
}

}  // namespace sigtape
