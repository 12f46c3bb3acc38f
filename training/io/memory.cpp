#include "sigtape/training/io/memory.h"

#include <fstream>
#include <sstream>

namespace sigtape {
namespace {

std::string text_of(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::uint64_t default_memory_limit() {
  return physical_memory_bytes() / 10 * 6;
}

std::uint64_t resident_bytes() {
  return status_bytes(text_of("/proc/self/status"), "VmRSS");
}

std::uint64_t peak_resident_bytes() {
  return status_bytes(text_of("/proc/self/status"), "VmHWM");
}

bool reset_peak_resident_bytes() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return file.good();
}

std::uint64_t status_bytes(const std::string& status, const std::string& name) {
  std::istringstream lines(status);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name + ":")) continue;
    std::uint64_t kilobytes = 0;
    std::istringstream(line.substr(name.size() + 1)) >> kilobytes;
    return kilobytes * 1024;
  }
  return 0;
}

}  // namespace sigtape
