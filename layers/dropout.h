#pragma once

#include <string>

#include "sigtape/layers/module.h"

namespace sigtape {

struct DropoutOptions {
  /// Probability with which an element becomes 0, in [0, 1).
  double p = 0.5;
  /// The layer's name; empty: by its place.
  std::string name = {};
};

/// While training each element is 0 with probability p, else divided by 1 - p
/// (Srivastava et al. 2014); the identity otherwise. Draws from the default
/// generator.
class Dropout : public Module {
 public:
  /// Throws UsageError for p outside [0, 1).
  explicit Dropout(DropoutOptions options);
  const char* type() const override { return "dropout"; }

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions) override {
    return input;
  }
  Value on_forward(const Value& x) override;

 private:
  DropoutOptions options_;
};

ModulePtr dropout(DropoutOptions options = {});

}  // namespace sigtape
