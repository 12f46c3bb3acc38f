#pragma once

#include <cstdint>
#include <string>

namespace sigtape {

/// The memory this process may hope for, in bytes: the machine's, or less
/// where a control group (a container) sets a limit.
std::uint64_t physical_memory_bytes();

/// The limit that a cgroup file such as memory.max states; the largest number
/// there is for "max" and for anything else.
std::uint64_t cgroup_limit(const std::string& text);

/// Bytes that a new plan may still take: the allocator's limit, or all of the
/// machine's memory where that is less, without what tensors take already.
/// Where there are shapes only, the limit is theirs; without one 2^50 bytes.
/// Reads nothing but counters after the first call.
std::int64_t available_memory();

}  // namespace sigtape
