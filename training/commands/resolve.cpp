#include "sigtape/training/commands/resolve.h"

#include "sigtape/framework/check.h"
#include "sigtape/framework/device.h"
#include "sigtape/framework/parallel.h"

namespace sigtape {

void use_threads(int threads) {
  require(threads >= 0, "--threads: expected at least 1, got ", threads);
  if (threads > 0) set_num_threads(threads);
}

void say_device(const Config& config, std::FILE* out) {
  const Device device = select_device(config.device);
  if (config.device == "auto" && device.is_cpu()) {
    std::fprintf(out,
                 "device: auto found no GPU that this program can use; "
                 "running on the CPU\n");
  }
}

}  // namespace sigtape
