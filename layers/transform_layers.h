#pragma once

#include <cstdint>
#include <vector>

#include "sigtape/layers/module.h"
#include "sigtape/layers/path_transforms.h"

/// The transforms of path_transforms.h as layers. None has parameters; all
/// take streams, of unequal length too, and refuse features by name.
namespace sigtape {

/// What all of them have in common: a function of streams.
class Transform : public Module {
 public:
  std::int64_t least_length(std::int64_t points) const override {
    return points < 1 ? 1 : points;
  }

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions) override;
  Value on_forward(const Value& x) override { return apply(x); }

  /// The result's length and channels; the input is a stream.
  virtual ValueShape shape_of(const ValueShape& input) const = 0;
  virtual Value apply(const Value& x) const = 0;
};

/// add_time, "time".
ModulePtr add_time(const TimeOptions& options = {});
/// "lead_lag".
ModulePtr lead_lag(const LeadLagOptions& options = {});
/// "invisibility_reset".
ModulePtr invisibility_reset();
/// "cumulative_sum".
ModulePtr cumulative_sum();
/// prepend_basepoint, "basepoint"; none, zero or one number per channel.
ModulePtr prepend_basepoint(const Basepoint& basepoint);
/// "scale": one factor, or one per channel.
ModulePtr scale(const std::vector<double>& factors);
/// "keep_channels".
ModulePtr keep_channels(const std::vector<std::int64_t>& channels);
/// "drop_channels".
ModulePtr drop_channels(const std::vector<std::int64_t>& channels);
/// "rectilinear".
ModulePtr rectilinear(std::int64_t time_channel = 0);

}  // namespace sigtape
