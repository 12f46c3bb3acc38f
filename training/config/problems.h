#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "sigtape/training/config/node.h"

namespace sigtape::config {

/// The faults found in one configuration, gathered so that all of them are
/// told at once.
class Problems {
 public:
  /// `overrides` in the order of Place::source, for the messages.
  Problems(std::string file, std::vector<std::string> overrides)
      : file_(std::move(file)), overrides_(std::move(overrides)) {}

  /// Adds a fault; `parts` are streamed one after another.
  template <class... Parts>
  void add(const Place& place, const Parts&... parts) {
    std::ostringstream message;
    (message << ... << parts);
    faults_.push_back({place, message.str()});
  }

  std::size_t size() const { return faults_.size(); }

  /// Throws ConfigError with one line per fault, in the order of the file and
  /// then of the overrides, unless there is none.
  void raise();

 private:
  struct Fault {
    Place place;
    std::string message;
  };
  std::string line(const Fault& fault) const;

  std::string file_;
  std::vector<std::string> overrides_;
  std::vector<Fault> faults_;
};

}  // namespace sigtape::config
