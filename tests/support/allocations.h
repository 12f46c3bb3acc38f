#pragma once

#include <cstdint>

namespace sigtape::test {

/// Calls of operator new in this program, from all threads. A program that
/// uses this has a counting operator new in place of the standard one.
std::int64_t allocations();

}  // namespace sigtape::test
