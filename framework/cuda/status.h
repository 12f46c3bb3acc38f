#pragma once

#include <cstdint>
#include <string>

/// What calls of the CUDA runtime came to, and the sentence that a user reads
/// of it. The same code for a GPU and for the emulated device, whose tests can
/// make every one of them happen.
namespace sigtape::cuda {

/// Errors with a sentence of their own. The numbers are those of cudaError_t.
enum class Status : int {
  success = 0,
  out_of_memory = 2,
  old_driver = 35,
  busy = 46,
  no_device = 100,
  no_kernels = 209,
  broken_memory = 214,
  illegal_address = 700,
  too_long = 702,
  assertion = 710,
  stack = 714,
  illegal_instruction = 715,
  misaligned_address = 716,
  address_space = 717,
  program_counter = 718,
  launch_failure = 719,
};

/// What a call returned, with CUDA's name and words for it.
struct CallResult {
  int code = 0;
  const char *name = "", *text = "";
};

/// Why there is no device, as the end of a sentence: `counting` is the result
/// of counting them, `driver` and `needed` are versions as CUDA writes them
/// (12020 for 12.2; driver 0: none is installed).
std::string why_no_device(const CallResult& counting, int driver, int needed);

/// Throws the error of a call that failed, at what (a noun): MemoryError where
/// memory ran out, else DeviceError. After a fault of a kernel every later call
/// fails so: the process cannot use the device any more.
[[noreturn]] void fail_call(const char* what, const CallResult& result);

/// Throws MemoryError for `bytes` that a device does not have, with what this
/// process holds of it and what is left.
[[noreturn]] void fail_allocation(int device, std::int64_t bytes,
                                  std::int64_t in_use, std::int64_t free,
                                  std::int64_t total);

}  // namespace sigtape::cuda
