#include "sigtape/framework/warning.h"

#include <cstdio>
#include <mutex>
#include <set>
#include <utility>

namespace sigtape {

namespace {

struct Warnings {
  std::mutex mutex;
  std::set<std::string, std::less<>> reported;
  WarningCallback callback;
};

// Never destroyed: a warning may come at the end of the process.
Warnings& warnings() {
  static Warnings* instance = new Warnings;
  return *instance;
}

}  // namespace

void warn(std::string_view text) {
  WarningCallback callback;
  {
    Warnings& all = warnings();
    const std::lock_guard lock(all.mutex);
    if (all.reported.contains(text)) return;
    all.reported.emplace(text);
    callback = all.callback;
  }
  const std::string copy(text);
  if (callback) return callback(copy);
  std::fprintf(stderr, "sigtape: warning: %s\n", copy.c_str());
}

WarningCallback set_warning_callback(WarningCallback callback) {
  Warnings& all = warnings();
  const std::lock_guard lock(all.mutex);
  return std::exchange(all.callback, std::move(callback));
}

void reset_warnings() {
  Warnings& all = warnings();
  const std::lock_guard lock(all.mutex);
  all.reported.clear();
}

}  // namespace sigtape
