#include "sigtape/layers/dropout.h"

#include "sigtape/framework/ops.h"

namespace sigtape {

Dropout::Dropout(DropoutOptions options) : options_(options) {
  require(options_.p >= 0 && options_.p < 1,
          "dropout: expected a probability p in [0, 1), got ", options_.p);
}

Value Dropout::on_forward(const Value& x) {
  if (!is_training()) return x;
  return {dropout(x.data, options_.p), x.lengths};
}

ModulePtr dropout(DropoutOptions options) {
  return std::make_shared<Dropout>(options);
}

}  // namespace sigtape
