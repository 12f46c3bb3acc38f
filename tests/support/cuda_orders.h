#pragma once

#include <functional>

namespace sigtape::test {

/// Calls run(name) with the threads of each block, and the blocks, in reverse
/// and in random order, where kernels run on the processor; on a GPU twice.
void for_each_thread_order(const std::function<void(const char*)>& run);

}  // namespace sigtape::test
