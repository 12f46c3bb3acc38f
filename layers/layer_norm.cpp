#include "sigtape/layers/layer_norm.h"

#include <utility>

#include "sigtape/framework/ops.h"

namespace sigtape {

LayerNorm::LayerNorm(LayerNormOptions options) : options_(std::move(options)) {
  set_name(options_.name);
  require(options_.eps >= 0, "layer_norm: expected eps >= 0, got ",
          options_.eps);
}

ValueShape LayerNorm::on_build(const ValueShape& input, TensorOptions options) {
  weight_ = add_parameter("weight", ones({input.channels}, options));
  bias_ = add_parameter("bias", zeros({input.channels}, options));
  return input;
}

Value LayerNorm::on_forward(const Value& x) {
  return {layer_norm(x.data, weight_, bias_, options_.eps), x.lengths};
}

ModulePtr layer_norm(LayerNormOptions options) {
  return std::make_shared<LayerNorm>(std::move(options));
}

}  // namespace sigtape
