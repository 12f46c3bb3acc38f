#pragma once

#include <cstdint>
#include <string>

#include "sigtape/layers/module.h"

namespace sigtape {

struct UnfoldOptions {
  /// Points of a window, and from one window's first to the next one's.
  std::int64_t length = 1;
  std::int64_t stride = 1;
  /// The layer's name; empty: by its place.
  std::string name = {};
};

/// Windows of a stream, the points of each side by side as channels: (batch,
/// length, channels) -> (batch, windows, window length * channels), windows =
/// (length - window length) / stride + 1. With unequal lengths each stream has
/// the windows of its own points.
class Unfold : public Module {
 public:
  /// Throws UsageError for sizes below 1.
  explicit Unfold(UnfoldOptions options);
  const char* type() const override { return "unfold"; }
  std::int64_t least_length(std::int64_t points) const override;

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions options) override;
  Value on_forward(const Value& x) override;

 private:
  std::int64_t windows(std::int64_t length) const;
  Tensor windows_of(const Tensor& lengths) const;

  UnfoldOptions options_;
};

ModulePtr unfold(UnfoldOptions options);

}  // namespace sigtape
