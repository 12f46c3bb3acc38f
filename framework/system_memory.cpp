#include "sigtape/framework/system_memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <sstream>

#include "sigtape/framework/allocator.h"
#include "sigtape/framework/shapes_only.h"

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

std::uint64_t cgroup_limit(const std::string& text) {
  std::uint64_t limit = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), limit);
  return error == std::errc() && limit > 0 ? limit : unlimited;
}

std::int64_t available_memory() {
  static const auto physical = static_cast<std::int64_t>(
      std::min(physical_memory_bytes(), std::uint64_t{1} << 62));
  if (shapes_only() && !detail::shape_limit()) return std::int64_t{1} << 50;
  const std::int64_t limit =
      shapes_only() ? detail::shape_limit() : memory_limit();
  const std::int64_t all = limit > 0 ? std::min(limit, physical) : physical;
  return std::max<std::int64_t>(all - cache_statistics().live_bytes, 0);
}

}  // namespace sigtape
