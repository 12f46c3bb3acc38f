#pragma once

#include <string>
#include <vector>

#include "sigtape/framework/warning.h"

namespace sigtape::test {

/// Collects the warnings of a scope, which would fail the test otherwise. Each
/// text is reported once in it, whatever was reported before.
class CollectWarnings {
 public:
  CollectWarnings() {
    reset_warnings();
    previous_ = set_warning_callback(
        [this](const std::string& text) { texts_.push_back(text); });
  }
  ~CollectWarnings() {
    set_warning_callback(previous_);
    reset_warnings();
  }
  CollectWarnings(const CollectWarnings&) = delete;
  CollectWarnings& operator=(const CollectWarnings&) = delete;

  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::vector<std::string> texts_;
  WarningCallback previous_;
};

}  // namespace sigtape::test
