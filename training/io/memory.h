#pragma once

#include <cstdint>
#include <string>

#include "sigtape/framework/system_memory.h"

namespace sigtape {

/// 60 % of physical_memory_bytes: what `limits.max_bytes: auto` stands for.
std::uint64_t default_memory_limit();

/// Bytes of this process in memory now (VmRSS); 0 where /proc is missing.
std::uint64_t resident_bytes();

/// The most there ever were (VmHWM); 0 where /proc is missing.
std::uint64_t peak_resident_bytes();

/// Lets peak_resident_bytes begin anew at what is resident now. False where
/// the system does not allow that: the peak is then of the whole process.
bool reset_peak_resident_bytes();

/// The value in bytes of a line "NAME:   123 kB" of `status`, the text of
/// /proc/self/status; 0 where there is none.
std::uint64_t status_bytes(const std::string& status, const std::string& name);

}  // namespace sigtape
