#pragma once

#include "sigtape/framework/parallel.h"

namespace sigtape {

namespace detail {
void run_tiles_backwards(std::int64_t tiles, TileFunction function,
                         const void* body);
}  // namespace detail

/// parallel_for whose threads take the same shares of the tiles from the last
/// tile to the first: a pass over what a pass of parallel_for has read begins
/// with what is still in the cache.
template <class Body>
void parallel_for_backwards(std::int64_t tiles, const Body& body) {
  detail::run_tiles_backwards(
      tiles,
      [](const void* function, std::int64_t tile) {
        (*static_cast<const Body*>(function))(tile);
      },
      &body);
}

}  // namespace sigtape
