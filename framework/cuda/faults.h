#pragma once

#include <cstdint>

/// Errors that only a kernel can see, such as an index out of range. A kernel
/// notes the first one in its device's record and goes on with a valid value;
/// the next read of the device's memory throws it.
namespace sigtape::cuda {

enum class Fault : int {
  none,
  gather_index,
  scatter_index,
  class_target,
  probability_target,
  no_value,
  short_stream
};

/// What was found: a value, the place it stood at, and what it must be below.
struct FaultRecord {
  int fault = 0;  // a Fault; others' writes lose
  int unused = 0;
  std::int64_t place = 0;
  double value = 0;
  std::int64_t limit = 0;
};

/// The record of a device, in its memory.
FaultRecord* fault_record(int device);

/// Throws UsageError, or DataError for no_value, for a noted fault, after
/// clearing it.
void raise(const FaultRecord& record);

}  // namespace sigtape::cuda
