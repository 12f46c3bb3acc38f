#pragma once

#include "sigtape/layers/module.h"

/// Layers that make features of a stream.
namespace sigtape {

/// (batch, length, channels) -> (batch, length * channels), point after point.
/// The length is fixed by build, and streams of unequal length are refused.
/// Features pass unchanged.
class Flatten : public Module {
 public:
  const char* type() const override { return "flatten"; }
  std::int64_t least_length(std::int64_t) const override { return 1; }

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions) override;
  Value on_forward(const Value& x) override;
};

/// The last true point of each stream.
class Last : public Module {
 public:
  const char* type() const override { return "last"; }
  std::int64_t least_length(std::int64_t) const override { return 1; }

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions) override;
  Value on_forward(const Value& x) override;
};

/// The mean over the true points of each stream.
class Mean : public Module {
 public:
  const char* type() const override { return "mean"; }
  std::int64_t least_length(std::int64_t) const override { return 1; }

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions) override;
  Value on_forward(const Value& x) override;
};

ModulePtr flatten();
ModulePtr last();
ModulePtr mean();

}  // namespace sigtape
