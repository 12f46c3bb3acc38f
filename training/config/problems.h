#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
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

  /// The same faults, and other overrides.
  Problems with(std::vector<std::string> overrides) const {
    Problems problems(file_, std::move(overrides));
    problems.faults_ = faults_;
    return problems;
  }

  /// Adds a fault; `parts`, texts, characters and numbers, are written one
  /// after another.
  template <class... Parts>
  void add(const Place& place, const Parts&... parts) {
    std::string message;
    message.reserve(kUsualLength);
    (append(message, parts), ...);
    faults_.push_back({place, std::move(message)});
  }

  std::size_t size() const { return faults_.size(); }

  /// Throws ConfigError with one line per fault, in the order of the file and
  /// then of the overrides, unless there is none.
  void raise();

 private:
  static constexpr std::size_t kUsualLength = 120;
  struct Fault {
    Place place;
    std::string message;
  };
  template <class Part>
  static void append(std::string& message, const Part& part) {
    if constexpr (std::is_convertible_v<const Part&, std::string_view>)
      message += std::string_view(part);
    else if constexpr (std::is_same_v<Part, char>)
      message += part;
    else if constexpr (std::is_floating_point_v<Part>)
      append_number(message, part);
    else
      message += std::to_string(part);
  }
  static void append_number(std::string& message, double number);
  std::string line(const Fault& fault) const;

  std::string file_;
  std::vector<std::string> overrides_;
  std::vector<Fault> faults_;
};

}  // namespace sigtape::config
