#include "sigtape/training/run/environment.h"

#include <sys/utsname.h>

#include <fstream>
#include <sstream>
#include <string_view>

#include "sigtape/framework/version.h"
#include "sigtape/training/build_info.h"
#include "sigtape/training/io/memory.h"

namespace sigtape {
namespace {

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#else
  return "unknown";
#endif
}

/// SIGTAPE_LIBRARIES is "NAME VERSION,NAME VERSION,...": what CMake found.
JsonRecord libraries() {
  JsonRecord record;
  std::istringstream list(SIGTAPE_LIBRARIES);
  for (std::string item; std::getline(list, item, ',');) {
    const std::size_t space = item.find(' ');
    if (space + 1 < item.size())  // else one that this build does without
      record.set(item.substr(0, space), item.substr(space + 1));
  }
  return record;
}

struct utsname system_name() {
  struct utsname name = {};
  ::uname(&name);
  return name;
}

}  // namespace

JsonRecord describe_environment(const RunEnvironment& run) {
  const struct utsname system = system_name();
  JsonRecord record;
  record.set("sigtape", version());
  record.set("commit", build_commit());
  record.set("compiler", compiler());
  record.set("libraries", libraries());
  record.set("cpu", cpu_model());
  record.set("isa", run.isa);
  record.set("device", run.device);
  record.set("threads", run.threads);
  record.set("memory_bytes", physical_memory_bytes());
  record.set("os", std::string(system.sysname) + " " + system.release + " " +
                       system.machine);
  return record;
}

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  std::ostringstream text;
  text << file.rdbuf();
  const std::string model = cpu_model_in(text.str());
  return model.empty() ? system_name().machine : model;
}

std::string cpu_model_in(const std::string& cpuinfo) {
  for (const std::string_view key : {"model name", "Model", "Processor"}) {
    std::istringstream lines(cpuinfo);
    for (std::string line; std::getline(lines, line);) {
      const std::size_t colon = line.find(": ");
      if (line.starts_with(key) && colon != std::string::npos)
        return line.substr(colon + 2);
    }
  }
  return "";
}

}  // namespace sigtape
