#pragma once

#include <cstdlib>
#include <map>
#include <string>

#include "sigtape/framework/check.h"

namespace sigtape {

/// The arguments of an experiment, each NAME=VALUE.
class Options {
 public:
  /// `defaults` lists every name; another one is a UsageError.
  Options(int count, char** arguments,
          std::map<std::string, std::string> defaults)
      : values_(std::move(defaults)) {
    for (int i = 1; i < count; ++i) {
      const std::string text = arguments[i];
      const std::size_t at = text.find('=');
      const auto entry = values_.find(text.substr(0, at));
      require(at != std::string::npos && entry != values_.end(),
              "expected NAME=VALUE, NAME one of ", names(), ", got '", text,
              "'");
      entry->second = text.substr(at + 1);
    }
  }
  const std::string& text(const std::string& name) const {
    return values_.at(name);
  }
  long integer(const std::string& name) const {
    return std::atol(values_.at(name).c_str());
  }
  double number(const std::string& name) const {
    return std::atof(values_.at(name).c_str());
  }

 private:
  std::string names() const {
    std::string all;
    for (const auto& [name, value] : values_)
      all += (all.empty() ? "" : ", ") + name;
    return all;
  }
  std::map<std::string, std::string> values_;
};

}  // namespace sigtape
