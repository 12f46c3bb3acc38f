#include "sigtape/training/config/problems.h"

#include <algorithm>
#include <tuple>

#include "sigtape/training/config/load.h"

namespace sigtape::config {

std::string Problems::line(const Fault& fault) const {
  std::ostringstream text;
  if (fault.place.source == 0)
    text << file_ << ":" << fault.place.line << ":" << fault.place.column;
  else
    text << "--set " << overrides_[fault.place.source - 1];
  text << ": " << fault.message;
  return text.str();
}

void Problems::raise() {
  if (faults_.empty()) return;
  std::stable_sort(faults_.begin(), faults_.end(),
                   [](const Fault& a, const Fault& b) {
                     const Place &p = a.place, &q = b.place;
                     return std::tie(p.source, p.line, p.column) <
                            std::tie(q.source, q.line, q.column);
                   });
  std::vector<std::string> lines;
  for (const Fault& fault : faults_) lines.push_back(line(fault));
  throw ConfigError(std::move(lines));
}

}  // namespace sigtape::config
