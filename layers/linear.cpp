#include "sigtape/layers/linear.h"

#include <cmath>
#include <utility>

#include "sigtape/framework/ops.h"
#include "sigtape/layers/signature/linear_signature.h"
#include "sigtape/layers/signature_layer.h"

namespace sigtape {

Linear::Linear(LinearOptions options) : options_(std::move(options)) {
  set_name(options_.name);
  require(options_.out >= 0, "linear: expected out >= 0, got ", options_.out);
}

void Linear::set_out(std::int64_t out) {
  if (is_built()) fail(label(), ": set_out after build");
  if (out < 1) fail(label(), ": expected out >= 1, got ", out);
  options_.out = out;
}

ValueShape Linear::on_build(const ValueShape& input, TensorOptions options) {
  require(options_.out >= 1, label(),
          ": expected a number of output channels, got none");
  const double bound = 1 / std::sqrt(static_cast<double>(input.channels));
  weight_ = add_parameter("weight", uniform({options_.out, input.channels},
                                            -bound, bound, options));
  bias_ = {};
  if (options_.bias) {
    bias_ =
        add_parameter("bias", uniform({options_.out}, -bound, bound, options));
  }
  return {input.length, options_.out, input.unequal};
}

Value Linear::on_forward(const Value& x) {
  return {linear(x.data, weight_, bias_), x.lengths};
}

Value Linear::forward_signature(SignatureLayer& signature, const Value& x) {
  check_input(x);
  const bool whole = x.is_stream() && !x.lengths.defined();
  if (!whole ||
      !linear_signature_fits(x.data, weight_, signature.options().depth)) {
    return signature.forward(forward(x));
  }
  return signature.of_linear(x, weight_, bias_);
}

ModulePtr linear(LinearOptions options) {
  return std::make_shared<Linear>(std::move(options));
}

}  // namespace sigtape
