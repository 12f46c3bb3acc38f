#pragma once

#include "sigtape/framework/cuda/faults.h"
#include "sigtape/framework/cuda/launch.h"

namespace sigtape::cuda {

/// Notes a fault unless there is one already.
__device__ inline void note(FaultRecord* record, Fault fault,
                            std::int64_t place, double value,
                            std::int64_t limit) {
  if (atomicCAS(&record->fault, 0, static_cast<int>(fault)) != 0) return;
  record->place = place;
  record->value = value;
  record->limit = limit;
}

}  // namespace sigtape::cuda
