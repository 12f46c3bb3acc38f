#include "sigtape/training/io/memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <sstream>

namespace sigtape {
namespace {

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

std::string text_of(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::uint64_t machine_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long bytes = ::sysconf(_SC_PAGE_SIZE);
  if (pages <= 0 || bytes <= 0) return unlimited;
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(bytes);
}

}  // namespace

std::uint64_t physical_memory_bytes() {
  return std::min(
      {machine_memory(), cgroup_limit(text_of("/sys/fs/cgroup/memory.max")),
       cgroup_limit(text_of("/sys/fs/cgroup/memory/memory.limit_in_bytes"))});
}

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

std::uint64_t cgroup_limit(const std::string& text) {
  std::uint64_t limit = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), limit);
  return error == std::errc() && limit > 0 ? limit : unlimited;
}

}  // namespace sigtape
