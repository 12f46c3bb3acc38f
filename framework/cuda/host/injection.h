#pragma once

#include "sigtape/framework/cuda/status.h"

/// What is to go wrong on the emulated device, for tests. The environment
/// variable SIGTAPE_CUDA_FAULT says it when the process first asks:
///
///   devices CODE DRIVER   counting devices ends with CUDA's error CODE, under
///                         a driver of version DRIVER (12020 for CUDA 12.2)
///   kernel K CODE         the process' kernel K (from 1) is lost with error
///                         CODE, and so is all work after it
///
/// A lost kernel is not seen where it starts: the next wait for the device
/// reports it, and from then on every call.
namespace sigtape::cuda_host {

/// CUDA's error of counting devices, 0 for none, and the driver's version.
int counting_error();
int driver_version();

/// A kernel is about to run: whether it is lost.
bool loses_kernel();

/// CUDA's error for whoever waits for the device, 0 for none.
int error_when_waiting();
/// The same for any other call: errors that have been reported already.
int error_of_call();

/// An injected error as a call of CUDA's would return it.
cuda::CallResult injected(int code);

}  // namespace sigtape::cuda_host
