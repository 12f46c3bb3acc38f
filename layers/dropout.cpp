#include "sigtape/layers/dropout.h"

#include <utility>

#include "sigtape/framework/ops.h"

namespace sigtape {

Dropout::Dropout(DropoutOptions options) : options_(std::move(options)) {
  set_name(options_.name);
  require(options_.p >= 0 && options_.p < 1,
          "dropout: expected a probability p in [0, 1), got ", options_.p);
}

Value Dropout::on_forward(const Value& x) {
  if (!is_training()) return x;
  return {dropout(x.data, options_.p), x.lengths};
}

ModulePtr dropout(DropoutOptions options) {
  return std::make_shared<Dropout>(std::move(options));
}

}  // namespace sigtape
