#pragma once

#include <cstdint>

namespace sigtape {

/// Bytes to leave between the scratch memories of tasks that run at once. A
/// processor fetches lines after those that it reads; without a gap they are
/// the first ones of the next scratch memory, which another one writes, and go
/// back and forth between the two. Measured: a fifth of a call's time.
constexpr std::int64_t kScratchGap = 4096;

}  // namespace sigtape
