#include "sigtape/training/commands/resolve.h"

#include "sigtape/framework/check.h"
#include "sigtape/framework/device.h"
#include "sigtape/framework/parallel.h"

namespace sigtape {

void use_threads(std::optional<int> threads) {
  if (!threads) return;
  require(*threads >= 1, "--threads: expected at least 1, got ", *threads);
  set_num_threads(*threads);
}

LogSignatureMode logsignature_mode(const std::string& name) {
  for (const auto mode : {LogSignatureMode::expand, LogSignatureMode::words,
                          LogSignatureMode::brackets})
    if (name == name_of(mode)) return mode;
  fail("--logsignature: expected expand, words or brackets, got '", name, "'");
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
