#pragma once

#include <string>

#include "sigtape/layers/module.h"

namespace sigtape {

struct LayerNormOptions {
  /// Added to the variance, at least 0.
  double eps = 1e-5;
  /// The layer's name; empty: by its place.
  std::string name = {};
};

/// Features, or every point of a stream, shifted and scaled over the channels
/// to mean 0 and variance 1, times `weight`, plus `bias`, both (channels),
/// which start as 1 and 0 (Ba et al. 2016, arXiv:1607.06450).
class LayerNorm : public Module {
 public:
  /// Throws UsageError for eps < 0.
  explicit LayerNorm(LayerNormOptions options);
  const char* type() const override { return "layer_norm"; }

 protected:
  ValueShape on_build(const ValueShape& input, TensorOptions options) override;
  Value on_forward(const Value& x) override;

 private:
  LayerNormOptions options_;
  Tensor weight_, bias_;
};

ModulePtr layer_norm(LayerNormOptions options = {});

}  // namespace sigtape
