#include "sigtape/framework/cuda/host/injection.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace sigtape::cuda_host {

namespace {

struct Injection {
  int counting = 0, driver = 13000;
  long long kernel = 0;
  int code = 0;
};

Injection from_environment() {
  Injection i;
  const char* text = std::getenv("SIGTAPE_CUDA_FAULT");
  if (!text) return i;
  const bool devices =
      std::sscanf(text, "devices %d %d", &i.counting, &i.driver) == 2;
  if (!devices &&
      std::sscanf(text, "kernel %lld %d", &i.kernel, &i.code) != 2) {
    std::fprintf(stderr,
                 "SIGTAPE_CUDA_FAULT: devices CODE DRIVER, or kernel K "
                 "CODE\n");
    std::abort();
  }
  return i;
}

const Injection& injection() {
  static const Injection read = from_environment();
  return read;
}

std::atomic<long long> kernels{0};
std::atomic<bool> lost{false}, reported{false};

}  // namespace

int counting_error() { return injection().counting; }
int driver_version() { return injection().driver; }

bool loses_kernel() {
  const Injection& i = injection();
  if (i.kernel > 0 && ++kernels >= i.kernel) lost = true;
  return lost;
}

int error_when_waiting() {
  if (lost) reported = true;
  return error_of_call();
}

int error_of_call() { return reported ? injection().code : 0; }

cuda::CallResult injected(int code) {
  switch (code) {
    case 35:
      return {code, "cudaErrorInsufficientDriver", "old driver"};
    case 100:
      return {code, "cudaErrorNoDevice", "no device"};
    case 700:
      return {code, "cudaErrorIllegalAddress", "illegal address"};
    case 719:
      return {code, "cudaErrorLaunchFailure", "launch failure"};
    default:
      return {code, "cudaErrorUnknown", "unknown error"};
  }
}

}  // namespace sigtape::cuda_host
