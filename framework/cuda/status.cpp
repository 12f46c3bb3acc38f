#include "sigtape/framework/cuda/status.h"

#include "sigtape/framework/check.h"

namespace sigtape::cuda {

namespace {

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." +
         std::to_string(version % 1000 / 10);
}

// What stopped the device for this process, or null for any other error.
const char* fatal(Status status) {
  switch (status) {
    case Status::illegal_address:
      return "a kernel used memory that is not its own";
    case Status::misaligned_address:
      return "a kernel used a misaligned address";
    case Status::address_space:
      return "a kernel used an address of another kind of memory";
    case Status::illegal_instruction:
      return "a kernel met an illegal instruction";
    case Status::program_counter:
      return "a kernel lost its place in the program";
    case Status::stack:
      return "a kernel's stack is broken";
    case Status::assertion:
      return "a kernel's assertion failed";
    case Status::launch_failure:
      return "a kernel failed";
    case Status::too_long:
      return "a kernel took longer than this system allows";
    case Status::broken_memory:
      return "its memory has an error that cannot be corrected";
    default:
      return nullptr;
  }
}

}  // namespace

std::string why_no_device(const CallResult& counting, int driver, int needed) {
  if (driver == 0) return "there is no CUDA device: no driver is installed";
  switch (static_cast<Status>(counting.code)) {
    case Status::old_driver:
      return "the driver supports CUDA " + version_text(driver) +
             ", this program needs " + version_text(needed) + " or later";
    case Status::success:
    case Status::no_device:
      return "there is no CUDA device";
    default:
      return std::string("CUDA: ") + counting.text + " (" + counting.name + ")";
  }
}

void fail_call(const char* what, const CallResult& result) {
  const auto status = static_cast<Status>(result.code);
  if (const char* why = fatal(status)) {
    fail<DeviceError>("CUDA: the GPU stopped: ", why, " (", result.name,
                      ", seen at ", what,
                      "); this process cannot use it any more");
  }
  if (status == Status::out_of_memory) {
    fail<MemoryError>("CUDA: the GPU is out of memory at ", what, " (",
                      result.name, ")");
  }
  if (status == Status::no_kernels) {
    fail<DeviceError>(
        "CUDA: this program holds no kernels for this GPU; build it with the "
        "GPU's architecture in CMAKE_CUDA_ARCHITECTURES (",
        result.name, ", seen at ", what, ")");
  }
  if (status == Status::busy) {
    fail<DeviceError>("CUDA: the GPU is taken by another program (",
                      result.name, ", seen at ", what, ")");
  }
  fail<DeviceError>("CUDA: ", what, " failed: ", result.text, " (", result.name,
                    ")");
}

void fail_allocation(int device, std::int64_t bytes, std::int64_t in_use,
                     std::int64_t free, std::int64_t total) {
  fail<MemoryError>("out of memory on cuda:", device, ": ", bytes,
                    " bytes more than the ", in_use, " in use; ", free, " of ",
                    total, " bytes are free");
}

}  // namespace sigtape::cuda
